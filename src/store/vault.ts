import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Why a sealed text does not open. */
type Unopened = 'other_key' | 'damaged';

/**
 * Seals what must not be read in the database. A sealed text is `1.KEYID.BASE64URL`, of which the
 * last holds nonce, tag and ciphertext; the id of the key tells a wrong key from damage, and leaves
 * room for a second key while one is being changed.
 */
export class Vault {
  readonly #key: Buffer;
  /** Of the key, one way; says which key it was and nothing more of it. */
  readonly #keyId: string;

  /** Throws RangeError when the key is not 32 bytes. */
  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES) throw new RangeError(`the secret key must be ${KEY_BYTES} bytes`);
    this.#key = Buffer.from(key);
    this.#keyId = createHash('sha256')
      .update('postern vault key id\0')
      .update(key)
      .digest('hex')
      .slice(0, 16);
  }

  /** `place`: where the text belongs; it opens in no other place. */
  seal(text: string, place: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce).setAAD(this.#bound(place));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    const packed = Buffer.concat([nonce, cipher.getAuthTag(), body]);
    return `1.${this.#keyId}.${packed.toString('base64url')}`;
  }

  open(sealed: string, place: string): { readonly text: string } | { readonly failed: Unopened } {
    const [version, keyId, packed] = sealed.split('.');
    if (version !== '1' || packed === undefined) return { failed: 'damaged' };
    if (keyId !== this.#keyId) return { failed: 'other_key' };
    const bytes = Buffer.from(packed, 'base64url');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return { failed: 'damaged' };
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(this.#bound(place))
      .setAuthTag(tag);
    try {
      const body = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      return { text: Buffer.concat([body, decipher.final()]).toString('utf8') };
    } catch {
      // The one thing `final` throws for: tag and text, or place, do not belong together.
      return { failed: 'damaged' };
    }
  }

  #bound(place: string): Buffer {
    return Buffer.from(`postern 1 ${this.#keyId} ${place}`);
  }
}
