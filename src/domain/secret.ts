/** A value that no log, JSON or inspection shows; `expose()` is the one way to it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  expose(): string {
    return this.#value;
  }

  toString(): string {
    return '<secret>';
  }

  toJSON(): string {
    return '<secret>';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '<secret>';
  }
}

/**
 * The 32 bytes of the key that encrypts stored credentials, from base64 (with or without padding,
 * either alphabet) or hex. Null when the text is neither.
 */
export function decodeSecretKey(text: string): Uint8Array | null {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return null;
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return bytes.length === 32 ? bytes : null;
}
