/**
 * The SSH data types of RFC 4251 section 5, as far as the guards need them: byte, boolean, uint32
 * and string. Reading never throws: past the end every read gives undefined.
 */

/** Reads one payload from the left; `undefined` from any method means the payload is truncated. */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 1) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number | undefined {
    const value = this.#bytes[this.#at];
    this.#at += 1;
    return value;
  }

  boolean(): boolean | undefined {
    const value = this.byte();
    return value === undefined ? undefined : value !== 0;
  }

  uint32(): number | undefined {
    const at = this.#at;
    this.#at += 4;
    return at + 4 <= this.#bytes.length ? this.#bytes.readUInt32BE(at) : undefined;
  }

  /** A view on the payload, not a copy. */
  string(): Buffer | undefined {
    const length = this.uint32();
    if (length === undefined || this.#at + length > this.#bytes.length) return undefined;
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  text(): string | undefined {
    return this.string()?.toString('utf8');
  }

  list(): string[] | undefined {
    const text = this.string()?.toString('latin1');
    return text === undefined ? undefined : text.split(',').filter((name) => name !== '');
  }

  rest(): Buffer {
    return this.#bytes.subarray(Math.min(this.#at, this.#bytes.length));
  }
}

/** A uint32, modulo 2^32. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** A uint64, modulo 2^64. */
export function uint64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  return bytes;
}

/** A string: its length as uint32, then its bytes (UTF-8 for text). */
export function wireString(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** A payload: the message number, then its fields. */
export function message(type: number, ...fields: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Uint8Array.of(type), ...fields]);
}
