import ssh2, { type PublicKeyAuthContext } from 'ssh2';
import type { Credential } from '../domain/control-plane.ts';
import { isCertificateType, readCertificate } from '../ssh/certificate.ts';
import { MalformedBlob } from '../ssh/strict-reader.ts';
import { readPublicKey, type VerifyingKey } from '../ssh/verifying-key.ts';
import { wireString } from '../ssh/wire.ts';

/** Key types whose signatures ssh2 verifies; `ssh-rsa` with SHA-2 alone. */
const KEY_TYPES: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
];

/** Types of keys on security tokens, whose signatures are verified by our own reading of them. */
const TOKEN_TYPES: readonly string[] = [
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

/** Of a token's signature: the flags and the counter, behind the signature proper. */
const TOKEN_TAIL = 5;

/**
 * What a `publickey` request (RFC 4252 §7) presents, for the control plane to judge; `proven` in it
 * says that this very request was signed with the key. Null: nothing that could be accepted, a
 * signature that does not hold among it.
 */
export function credentialOf(context: PublicKeyAuthContext): Credential | null {
  const blob = context.key.data;
  const type = typeOf(blob);
  if (type === null) return null;
  if (isCertificateType(type)) return ofCertificate(context, type);
  if (TOKEN_TYPES.includes(type)) return ofToken(context, type);
  if (!KEY_TYPES.includes(type)) return null;
  const proven = context.signature !== undefined;
  if (proven && !signatureHolds(context, type)) return null;
  return { type: 'publickey', algorithm: type, blob: blob.toString('base64'), proven };
}

/** The type that a key blob itself names (RFC 4253 §6.6), whatever the request calls it. */
function typeOf(blob: Buffer): string | null {
  if (blob.length < 4) return null;
  const length = blob.readUInt32BE(0);
  return length > 64 || blob.length < 4 + length ? null : blob.toString('latin1', 4, 4 + length);
}

/**
 * Whether the signature was made with the key that is offered. ssh2 checks nothing by itself, and
 * its `verify` answers an Error, which is truthy, when it cannot.
 */
function signatureHolds(context: PublicKeyAuthContext, type: string): boolean {
  if (context.signature === undefined || context.blob === undefined) return false;
  if (type === 'ssh-rsa' && context.hashAlgo === undefined) return false; // SHA-1
  const key = ssh2.utils.parseKey(context.key.data);
  if (key instanceof Error || Array.isArray(key)) return false;
  return key.verify(context.blob, context.signature, context.hashAlgo) === true;
}

function ofToken(context: PublicKeyAuthContext, type: string): Credential | null {
  if (context.key.algo !== type || tokenKey(context.key.data) === null) return null;
  const { signature, blob } = context;
  const facts = { type: 'publickey', algorithm: type, blob: context.key.data.toString('base64') };
  if (signature === undefined) return { ...facts, type: 'publickey', proven: false };
  if (blob === undefined || signature.length <= TOKEN_TAIL) return null;
  // ssh2 takes off the algorithm and the length of the signature proper.
  const whole = Buffer.concat([
    wireString(type),
    wireString(signature.subarray(0, -TOKEN_TAIL)),
    signature.subarray(-TOKEN_TAIL),
  ]);
  const proof = tokenKey(context.key.data)?.proof(whole, blob) ?? null;
  return proof === null ? null : { ...facts, type: 'publickey', proven: true };
}

function tokenKey(blob: Buffer): VerifyingKey | null {
  try {
    return readPublicKey(blob);
  } catch (error) {
    if (error instanceof MalformedBlob) return null;
    throw error;
  }
}

/** The name of a certificate's signature algorithm; only RSA has several for one type of key. */
function signatureAlgorithm(asked: string, type: string, keyType: string): string | null {
  if (type !== 'ssh-rsa-cert-v01@openssh.com') return asked === type ? keyType : null;
  const rsa = /^(rsa-sha2-(?:256|512))-cert-v01@openssh\.com$/.exec(asked);
  return rsa?.[1] ?? null;
}

function ofCertificate(context: PublicKeyAuthContext, type: string): Credential | null {
  const certificate = readCertificate(context.key.data);
  if ('problem' in certificate) return null;
  const algorithm = signatureAlgorithm(context.key.algo, type, certificate.key.type);
  if (algorithm === null) return null;
  const { facts } = certificate;
  const { signature, blob } = context;
  if (signature === undefined) {
    return { type: 'certificate', certificate: facts, proven: false, userVerified: false };
  }
  if (blob === undefined) return null;
  const proof = certificate.key.proof(signature, blob);
  if (proof === null || proof.algorithm !== algorithm) return null;
  const { userVerified } = proof;
  return { type: 'certificate', certificate: facts, proven: true, userVerified };
}
