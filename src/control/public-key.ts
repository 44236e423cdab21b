import { createHash, createPublicKey } from 'node:crypto';
import { printable } from '../domain/log.ts';
import type { NewUserKey, ParsePublicKey } from '../domain/user.ts';

/** Longest line that is read; an RSA key of 16384 bits has some 2800 characters. */
const LONGEST_LINE = 8192;
const LONGEST_COMMENT = 200;
const RSA_BITS = { least: 2048, most: 16_384 };
const ED25519_BYTES = 32;

const CURVES: Readonly<Record<string, { readonly name: string; readonly bytes: number }>> = {
  nistp256: { name: 'P-256', bytes: 32 },
  nistp384: { name: 'P-384', bytes: 48 },
  nistp521: { name: 'P-521', bytes: 66 },
};

const ACCEPTED: readonly string[] = [
  'ssh-ed25519',
  'ssh-rsa',
  ...Object.keys(CURVES).map((curve) => `ecdsa-sha2-${curve}`),
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

/** Of what a token keeps keys apart by, `ssh:` or `ssh:NAME`, in bytes. */
const LONGEST_APPLICATION = 1024;

const KEY_TYPE = /^(?:sk-)?(?:ssh-|ecdsa-sha2-)[a-z0-9.@-]+$/;
const MALFORMED = 'is damaged: it is not what its type says';

/** Reads the strings of RFC 4251 §5 one after the other; throws RangeError past the end. */
class Blob {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  string(): Buffer {
    const length = this.#bytes.readUInt32BE(this.#at);
    const from = this.#at + 4;
    if (length > this.#bytes.length - from) throw new RangeError('truncated');
    this.#at = from + length;
    return this.#bytes.subarray(from, this.#at);
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }
}

/** The bits of a positive mpint in its shortest form; 0 for anything else. */
function positiveBits(mpint: Buffer): number {
  const [first = 0x80, second = 0] = mpint;
  if ((first & 0x80) !== 0 || (first === 0 && (second & 0x80) === 0)) return 0;
  const bare = first === 0 ? mpint.subarray(1) : mpint;
  return bare.length * 8 - (Math.clz32(bare[0] ?? 0) - 24);
}

function rsaProblem(blob: Blob): string | null {
  const exponent = blob.string();
  const modulus = blob.string();
  const bits = positiveBits(modulus);
  const odd = ((exponent.at(-1) ?? 0) & 1) === 1;
  if (!blob.ended || bits === 0 || positiveBits(exponent) < 2 || !odd) return MALFORMED;
  if (bits < RSA_BITS.least) {
    return `is an RSA key of ${bits} bits; at least ${RSA_BITS.least} are needed (ssh-keygen -t ed25519 makes a better one)`;
  }
  return bits > RSA_BITS.most ? `is an RSA key of more than ${RSA_BITS.most} bits` : null;
}

function ecdsaProblem(blob: Blob, curveName: string): string | null {
  const curve = CURVES[curveName];
  const inner = blob.string().toString('latin1');
  const point = blob.string();
  if (
    curve === undefined ||
    inner !== curveName ||
    point.length !== 1 + 2 * curve.bytes ||
    point[0] !== 4
  )
    return MALFORMED;
  const [x, y] = [point.subarray(1, 1 + curve.bytes), point.subarray(1 + curve.bytes)];
  try {
    // OpenSSL refuses a point that is not on the curve.
    createPublicKey({
      format: 'jwk',
      key: { kty: 'EC', crv: curve.name, x: x.toString('base64url'), y: y.toString('base64url') },
    });
    return null;
  } catch {
    return MALFORMED;
  }
}

function ed25519Problem(blob: Blob): string | null {
  return blob.string().length === ED25519_BYTES ? null : MALFORMED;
}

/** Its curve (null: Ed25519), and whether it is on a security token (PROTOCOL.u2f). */
function kindOf(algorithm: string): { readonly curve: string | null; readonly token: boolean } {
  const curve = /^(?:sk-)?ecdsa-sha2-(nistp\d+)(?:@|$)/.exec(algorithm)?.[1] ?? null;
  return { curve, token: algorithm.startsWith('sk-') };
}

function blobProblem(bytes: Buffer, algorithm: string): string | null {
  const blob = new Blob(bytes);
  try {
    const inner = blob.string().toString('latin1');
    if (inner !== algorithm) {
      return `says ${algorithm}, but holds a key of type ${printable(inner, 40)}`;
    }
    if (algorithm === 'ssh-rsa') return rsaProblem(blob);
    const { curve, token } = kindOf(algorithm);
    const problem = curve === null ? ed25519Problem(blob) : ecdsaProblem(blob, curve);
    if (problem !== null) return problem;
    if (token && blob.string().length > LONGEST_APPLICATION) return MALFORMED;
    return blob.ended ? null : MALFORMED;
  } catch {
    return 'is cut short';
  }
}

/** Why a line cannot be a key that is accepted here, from its words alone; null when it may be one. */
function lineProblem(line: string): string | null {
  if (line === '') return 'is empty';
  if (/-----BEGIN|PRIVATE KEY|^PuTTY-User-Key-File/i.test(line)) {
    return 'is a private key; give the public one (the line in the file that ends in .pub), and replace this one if others could see it';
  }
  if (line.length > LONGEST_LINE) return `has more than ${LONGEST_LINE} characters`;
  if (/[\r\n]/.test(line)) return 'has more than one line; give one key at a time';
  const words = line.split(/[ \t]+/);
  const [type = ''] = words;
  if (ACCEPTED.includes(type)) return null;
  if (words.slice(1).some((word) => KEY_TYPE.test(word))) {
    return 'has options before the key, which are not available in this version';
  }
  if (!KEY_TYPE.test(type)) return 'is not a public key: write "ssh-ed25519 AAAA… comment"';
  if (type === 'ssh-dss')
    return 'is a DSA key, which is not safe; make one with ssh-keygen -t ed25519';
  if (type.includes('-cert-v')) {
    return 'is a certificate; give the key of its authority to postern ca add, and nothing here';
  }
  return `is of type ${printable(type, 40)}; known are ${ACCEPTED.join(', ')}`;
}

/** See ParsePublicKey. Never repeats the line in a problem: it may be a private key. */
export const parsePublicKey: ParsePublicKey = (text): NewUserKey | { readonly problem: string } => {
  const line = text.trim();
  const wrong = lineProblem(line);
  if (wrong !== null) return { problem: wrong };
  const [algorithm = '', base64 = '', ...rest] = line.split(/[ \t]+/);
  const bytes = Buffer.from(base64, 'base64');
  const canonical = bytes.toString('base64');
  if (base64 === '' || canonical.replace(/=+$/, '') !== base64.replace(/=+$/, '')) {
    return { problem: 'has no base64 after its type' };
  }
  const problem = blobProblem(bytes, algorithm);
  if (problem !== null) return { problem };
  const digest = createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '');
  return {
    algorithm,
    blob: canonical,
    fingerprint: `SHA256:${digest}`,
    comment: printable(rest.join(' '), LONGEST_COMMENT),
  };
};
