import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Why a sealed text does not open. */
type Unopened = 'other_key' | 'damaged';

declare const sealed: unique symbol;

/** Text that a vault has sealed: the type of the columns that hold such. */
export type Sealed = string & { readonly [sealed]: true };

interface Key {
  readonly bytes: Buffer;
  /** One way; says which key it was and nothing more of it. */
  readonly id: string;
}

/**
 * Seals what must not be read in the database. A sealed text is `1.KEYID.BASE64URL`, of which the
 * last holds nonce, tag and ciphertext; the id of the key tells a wrong key from damage, and which
 * one it is while keys are being changed.
 */
export class Vault {
  readonly #key: Key;
  readonly #others: readonly Key[];

  /** Seals with `key`, and opens with `others` too. Throws RangeError when one is not 32 bytes. */
  constructor(key: Buffer, others: readonly Buffer[] = []) {
    this.#key = keyOf(key);
    this.#others = others.map(keyOf);
  }

  /** `place`: where the text belongs; it opens in no other place. */
  seal(text: string, place: string): Sealed {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key.bytes, nonce).setAAD(bound(this.#key, place));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    const packed = Buffer.concat([nonce, cipher.getAuthTag(), body]);
    return `1.${this.#key.id}.${packed.toString('base64url')}` as Sealed;
  }

  open(sealed: string, place: string): { readonly text: string } | { readonly failed: Unopened } {
    const [version, keyId, packed] = sealed.split('.');
    if (version !== '1' || packed === undefined) return { failed: 'damaged' };
    const key = [this.#key, ...this.#others].find(({ id }) => id === keyId);
    if (key === undefined) return { failed: 'other_key' };
    const bytes = Buffer.from(packed, 'base64url');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return { failed: 'damaged' };
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, key.bytes, nonce, { authTagLength: TAG_BYTES })
      .setAAD(bound(key, place))
      .setAuthTag(tag);
    try {
      const body = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      return { text: Buffer.concat([body, decipher.final()]).toString('utf8') };
    } catch {
      // The one thing `final` throws for: tag and text, or place, do not belong together.
      return { failed: 'damaged' };
    }
  }
}

function keyOf(bytes: Buffer): Key {
  if (bytes.length !== KEY_BYTES) throw new RangeError(`the secret key must be ${KEY_BYTES} bytes`);
  const id = createHash('sha256')
    .update('postern vault key id\0')
    .update(bytes)
    .digest('hex')
    .slice(0, 16);
  return { bytes: Buffer.from(bytes), id };
}

/** What a sealed text is bound to besides its key. */
function bound({ id }: Key, place: string): Buffer {
  return Buffer.from(`postern 1 ${id} ${place}`);
}
