import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import type { SealingKey } from '../domain/seal.ts';

/** Before what is signed, so that a signature made for something else is none of a seal. */
const CONTEXT = 'postern recording seal v1\n';

/** 16 hex digits of the SHA-256 of the key's SubjectPublicKeyInfo. */
function idOf(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 16);
}

function assertEd25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new Error(`an Ed25519 key is wanted, this one is ${key.asymmetricKeyType}`);
}

/** A new private key, PKCS #8 as PEM. */
export function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Signs seals (Ed25519, RFC 8032). */
export class Signer {
  readonly public: SealingKey;
  readonly #key: KeyObject;

  /** Throws when the PEM is no private Ed25519 key. */
  constructor(privatePem: string) {
    this.#key = assertEd25519(createPrivateKey(privatePem));
    const publicKey = createPublicKey(this.#key);
    const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    this.public = { id: idOf(publicKey), publicPem };
  }

  /** base64url. */
  sign(text: string): string {
    return sign(null, Buffer.from(CONTEXT + text), this.#key).toString('base64url');
  }
}

/** The keys that a verifier trusts. */
export class SealingKeys {
  readonly #keys = new Map<string, KeyObject>();

  /** PEM blocks one behind the other. Throws when one is no Ed25519 public key. */
  constructor(...pems: readonly string[]) {
    for (const block of pems.join('\n').match(/-----BEGIN [\s\S]+?-----END [^-]+-----/g) ?? []) {
      const key = assertEd25519(createPublicKey(block));
      this.#keys.set(idOf(key), key);
    }
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Null: the key is not known. */
  verify(id: string, text: string, signature: string): boolean | null {
    const key = this.#keys.get(id);
    if (key === undefined) return null;
    const bytes = Buffer.from(signature, 'base64url');
    // Decoding skips what is no base64url, and the spare bits: only one text is the signature.
    if (bytes.toString('base64url') !== signature) return false;
    return verify(null, Buffer.from(CONTEXT + text), key, bytes);
  }
}
