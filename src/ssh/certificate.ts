/** OpenSSH certificates: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.certkeys */
import { createHash } from 'node:crypto';
import type { CertificateFacts } from '../domain/certificate.ts';
import { MalformedBlob, StrictReader } from './strict-reader.ts';
import { readKeyFields, readPublicKey, type VerifyingKey } from './verifying-key.ts';

/** By the certificate's type: the type of the key that is certified. */
const CERTIFIED: Readonly<Record<string, string>> = {
  'ssh-ed25519-cert-v01@openssh.com': 'ssh-ed25519',
  'ecdsa-sha2-nistp256-cert-v01@openssh.com': 'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384-cert-v01@openssh.com': 'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521-cert-v01@openssh.com': 'ecdsa-sha2-nistp521',
  'ssh-rsa-cert-v01@openssh.com': 'ssh-rsa',
  'sk-ssh-ed25519-cert-v01@openssh.com': 'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256-cert-v01@openssh.com': 'sk-ecdsa-sha2-nistp256@openssh.com',
};

/** Types that an authority's key may have; OpenSSH's ssh-keygen makes others too, on tokens. */
const AUTHORITY_TYPES = /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521))$/;

/** Bytes, except where it says otherwise. OpenSSH's own bound on principals is 256. */
const MOST = {
  certificate: 32_768,
  nonce: 1024,
  type: 64,
  keyId: 1024,
  principals: 256,
  principal: 256,
  options: 64,
  optionName: 128,
  list: 16_384,
  key: 4096,
};

const FOR_EVER = 2n ** 64n - 1n;

/** Options whose form is known: with one text, or with nothing. */
const WITH_TEXT: readonly string[] = ['force-command', 'source-address'];
const WITHOUT: readonly string[] = [
  'verify-required',
  'no-touch-required',
  'permit-X11-forwarding',
  'permit-agent-forwarding',
  'permit-port-forwarding',
  'permit-pty',
  'permit-user-rc',
];

export interface Certificate {
  /** The certificate's own type, `…-cert-v01@openssh.com`. */
  readonly type: string;
  /** The key that is certified. */
  readonly key: VerifyingKey;
  readonly facts: CertificateFacts;
}

export function isCertificateType(type: string): boolean {
  return Object.hasOwn(CERTIFIED, type);
}

/**
 * Reads a certificate and verifies its authority's signature (Ed25519, ECDSA, RSA with SHA-2), or
 * says what is wrong with it. That the authority is one to trust is not known here, nor the time.
 */
export function readCertificate(blob: Buffer): Certificate | { readonly problem: string } {
  try {
    return parse(blob);
  } catch (error) {
    if (error instanceof MalformedBlob) return { problem: error.message };
    throw error;
  }
}

function parse(blob: Buffer): Certificate {
  if (blob.length > MOST.certificate) throw new MalformedBlob('is too long');
  const reader = new StrictReader(blob);
  const type = reader.text(MOST.type);
  const certified = Object.hasOwn(CERTIFIED, type) ? CERTIFIED[type] : undefined;
  if (certified === undefined) throw new MalformedBlob('is of a type that is not known');
  reader.string(MOST.nonce);
  const key = readKeyFields(certified, blob, reader);
  const serial = reader.uint64();
  const kind = kindOf(reader.uint32());
  const keyId = reader.text(MOST.keyId);
  const principals = principalsOf(reader.string(MOST.list));
  const validAfter = reader.uint64();
  const validBefore = reader.uint64();
  const critical = optionsOf(reader.string(MOST.list));
  const extensions = optionsOf(reader.string(MOST.list));
  reader.string(MOST.list); // reserved
  const authority = readAuthority(reader.string(MOST.key));
  const signed = blob.subarray(0, reader.at);
  const signature = reader.string(MOST.key);
  reader.end();
  if (authority.proof(signature, signed) === null) {
    throw new MalformedBlob('is not signed by its authority');
  }
  return {
    type,
    key,
    facts: {
      type: kind,
      serial: serial.toString(),
      keyId,
      principals,
      validAfter: Number(validAfter),
      validBefore: validBefore === FOR_EVER ? null : Number(validBefore),
      criticalOptions: Object.fromEntries(critical),
      extensions: [...extensions.keys()],
      keyFingerprint: fingerprint(key.blob),
      authority: {
        blob: authority.blob.toString('base64'),
        fingerprint: fingerprint(authority.blob),
      },
    },
  };
}

function kindOf(number: number): CertificateFacts['type'] {
  if (number === 1) return 'user';
  if (number === 2) return 'host';
  throw new MalformedBlob('is neither for a user nor for a host');
}

function readAuthority(blob: Buffer): VerifyingKey {
  const authority = readPublicKey(blob);
  if (AUTHORITY_TYPES.test(authority.type)) return authority;
  throw new MalformedBlob('is signed with a key of a type that may not');
}

function principalsOf(bytes: Buffer): readonly string[] {
  const reader = new StrictReader(bytes);
  const principals: string[] = [];
  while (!reader.ended) {
    if (principals.length === MOST.principals) throw new MalformedBlob('has too many principals');
    const principal = reader.text(MOST.principal);
    if (principal === '') throw new MalformedBlob('has a principal without a name');
    principals.push(principal);
  }
  return principals;
}

function optionsOf(bytes: Buffer): ReadonlyMap<string, string | null> {
  const reader = new StrictReader(bytes);
  const options = new Map<string, string | null>();
  while (!reader.ended) {
    if (options.size === MOST.options) throw new MalformedBlob('has too many options');
    const name = reader.text(MOST.optionName);
    const data = reader.string(MOST.list);
    if (options.has(name)) throw new MalformedBlob('has an option twice');
    options.set(name, optionText(name, data));
  }
  return options;
}

/** The text of an option that has one; what the form of others is, nobody here knows. */
function optionText(name: string, data: Buffer): string | null {
  if (WITH_TEXT.includes(name)) {
    const reader = new StrictReader(data);
    const text = reader.text(MOST.list);
    reader.end();
    return text;
  }
  if (WITHOUT.includes(name) && data.length > 0) {
    throw new MalformedBlob('has a value where there should be none');
  }
  return null;
}

function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
