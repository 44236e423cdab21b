/**
 * Public keys that ssh2 does not know, and signatures made with them: what is inside of OpenSSH's
 * certificates (PROTOCOL.certkeys), and keys on security tokens (PROTOCOL.u2f).
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { MalformedBlob, StrictReader } from './strict-reader.ts';
import { wireString } from './wire.ts';

const ED25519 = 'ssh-ed25519';
const RSA = 'ssh-rsa';
const SK_ED25519 = 'sk-ssh-ed25519@openssh.com';
const SK_ECDSA = 'sk-ecdsa-sha2-nistp256@openssh.com';

const LONGEST_NAME = 64;
const LONGEST_APPLICATION = 1024;
const RSA_BYTES = { least: 256, most: 2048 };
/** Of a whole signature: that of the longest RSA key, and its name. */
const LONGEST_SIGNATURE = 4096;

interface Curve {
  readonly name: string;
  readonly bytes: number;
  readonly hash: string;
}

const NISTP256: Curve = { name: 'P-256', bytes: 32, hash: 'sha256' };
const CURVES: Readonly<Record<string, Curve>> = {
  nistp256: NISTP256,
  nistp384: { name: 'P-384', bytes: 48, hash: 'sha384' },
  nistp521: { name: 'P-521', bytes: 66, hash: 'sha512' },
};

const RSA_HASHES: Readonly<Record<string, string>> = {
  'rsa-sha2-256': 'sha256',
  'rsa-sha2-512': 'sha512',
};

/** Bits of a token's answer: somebody touched it; and it made sure who that was (a PIN, a finger). */
const PRESENT = 0x01;
const VERIFIED = 0x04;

/** What a good signature proves besides that the key was there. */
export interface Proof {
  /** The signature's own algorithm: `rsa-sha2-512` where the key's type is `ssh-rsa`. */
  readonly algorithm: string;
  /** The token made sure who used it; false for keys that are on none. */
  readonly userVerified: boolean;
}

export interface VerifyingKey {
  /** Its type, without a certificate's ending. */
  readonly type: string;
  /** The plain public key, as in `authorized_keys`. */
  readonly blob: Buffer;
  /**
   * Whether `signature` (RFC 4253 §6.6, whole, with its algorithm's name) was made with this key over
   * `data`. Null when it was not, for SHA-1, and for a token that nobody touched. Never throws.
   */
  proof(signature: Buffer, data: Buffer): Proof | null;
}

/** Reads a plain key blob; throws MalformedBlob. */
export function readPublicKey(blob: Buffer): VerifyingKey {
  const reader = new StrictReader(blob);
  const key = readKeyFields(reader.text(LONGEST_NAME), blob, reader);
  reader.end();
  return key;
}

/** Reads the fields of a key of `type` from the reader of `source`; throws MalformedBlob. */
export function readKeyFields(type: string, source: Buffer, reader: StrictReader): VerifyingKey {
  const from = reader.at;
  const check = checkerOf(type, reader);
  const blob = Buffer.concat([wireString(type), source.subarray(from, reader.at)]);
  return {
    type,
    blob,
    proof(signature, data) {
      try {
        return check(signature, data);
      } catch {
        return null;
      }
    },
  };
}

type Check = (signature: Buffer, data: Buffer) => Proof | null;

function checkerOf(type: string, reader: StrictReader): Check {
  if (type === ED25519) return plain(type, ed25519(reader));
  if (type === RSA) return rsa(reader);
  if (type === SK_ED25519) return onToken(type, ed25519(reader), reader);
  if (type === SK_ECDSA) return onToken(type, ecdsa('nistp256', reader), reader);
  const curve = type.startsWith('ecdsa-sha2-') ? type.slice('ecdsa-sha2-'.length) : '';
  if (!Object.hasOwn(CURVES, curve)) throw new MalformedBlob('is of a type that is not known');
  return plain(type, ecdsa(curve, reader));
}

/** Whether raw signature bytes are right. */
type Raw = (signature: Buffer, data: Buffer) => boolean;

function ed25519(reader: StrictReader): Raw {
  const bytes = reader.string(32);
  if (bytes.length !== 32) throw new MalformedBlob('has a key of the wrong length');
  const key = jwk({ kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') });
  return (signature, data) => verify(null, data, key, signature);
}

function ecdsa(curveName: string, reader: StrictReader): Raw {
  const curve = CURVES[curveName] ?? NISTP256;
  if (reader.text(LONGEST_NAME) !== curveName) throw new MalformedBlob('is of another curve');
  const point = reader.string(1 + 2 * curve.bytes);
  if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) {
    throw new MalformedBlob('has a key of the wrong length');
  }
  const x = point.subarray(1, 1 + curve.bytes).toString('base64url');
  const y = point.subarray(1 + curve.bytes).toString('base64url');
  const key = jwk({ kty: 'EC', crv: curve.name, x, y });
  return (signature, data) => {
    const numbers = new StrictReader(signature);
    const [r, s] = [numbers.positive(curve.bytes), numbers.positive(curve.bytes)];
    numbers.end();
    const fixed = Buffer.alloc(2 * curve.bytes);
    fixed.set(r, curve.bytes - r.length);
    fixed.set(s, 2 * curve.bytes - s.length);
    return verify(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, fixed);
  };
}

function rsa(reader: StrictReader): Check {
  const exponent = reader.positive(8);
  const modulus = reader.positive(RSA_BYTES.most);
  if (modulus.length < RSA_BYTES.least) throw new MalformedBlob('is an RSA key that is too short');
  const odd = ((exponent.at(-1) ?? 0) & 1) === 1;
  if (!odd || exponent.equals(Buffer.of(1))) throw new MalformedBlob('has no RSA exponent');
  const n = modulus.toString('base64url');
  const key = jwk({ kty: 'RSA', n, e: exponent.toString('base64url') });
  return (signature, data) => {
    const { algorithm, bytes } = readSignature(signature);
    const hash = Object.hasOwn(RSA_HASHES, algorithm) ? RSA_HASHES[algorithm] : undefined;
    if (hash === undefined || !verify(hash, data, key, bytes)) return null;
    return { algorithm, userVerified: false };
  };
}

function plain(type: string, right: Raw): Check {
  return (signature, data) => {
    const { algorithm, bytes } = readSignature(signature);
    return algorithm === type && right(bytes, data) ? { algorithm, userVerified: false } : null;
  };
}

/** What a token signs: the application, its flags and counter, and the data, both by their hash. */
function onToken(type: string, right: Raw, reader: StrictReader): Check {
  const application = sha256(reader.string(LONGEST_APPLICATION));
  return (signature, data) => {
    const fields = new StrictReader(signature);
    const algorithm = fields.text(LONGEST_NAME);
    const bytes = fields.string(LONGEST_SIGNATURE);
    const said = signature.subarray(fields.at);
    const flags = fields.byte();
    // The counter would tell of a copied token, but hosts of one person do not share it.
    fields.uint32();
    fields.end();
    if (algorithm !== type || (flags & PRESENT) === 0) return null;
    if (!right(bytes, Buffer.concat([application, said, sha256(data)]))) return null;
    return { algorithm, userVerified: (flags & VERIFIED) !== 0 };
  };
}

function readSignature(signature: Buffer): { algorithm: string; bytes: Buffer } {
  const reader = new StrictReader(signature);
  const algorithm = reader.text(LONGEST_NAME);
  const bytes = reader.string(LONGEST_SIGNATURE);
  reader.end();
  return { algorithm, bytes };
}

function jwk(key: Readonly<Record<string, string>>): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    throw new MalformedBlob('has a key that is none');
  }
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
