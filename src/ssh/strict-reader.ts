/** What a blob of a key, certificate or signature is refused with; the message says what is wrong. */
export class MalformedBlob extends Error {
  override readonly name = 'MalformedBlob';
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the data types of RFC 4251 §5 from bytes that nobody has vouched for. Unlike WireReader it
 * throws MalformedBlob, where the bytes end too early and where they do not end.
 */
export class StrictReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  #take(length: number): number {
    const from = this.#at;
    if (length > this.#bytes.length - from) throw new MalformedBlob('is cut short');
    this.#at = from + length;
    return from;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  /** A view of at most `most` bytes. */
  string(most: number): Buffer {
    const length = this.uint32();
    if (length > most) throw new MalformedBlob('has a field that is too long');
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** UTF-8 without NUL, of at most `most` bytes. */
  text(most: number): string {
    const bytes = this.string(most);
    if (bytes.includes(0)) throw new MalformedBlob('has a NUL in a text');
    try {
      return UTF8.decode(bytes);
    } catch {
      throw new MalformedBlob('has a text that is not UTF-8');
    }
  }

  /** A positive mpint in its shortest form, without the byte for the sign. */
  positive(most: number): Buffer {
    const bytes = this.string(most + 1);
    const [first = 0x80, second = 0] = bytes;
    const short = first !== 0 || (second & 0x80) !== 0;
    if ((first & 0x80) !== 0 || !short) throw new MalformedBlob('has a number that is none');
    return first === 0 ? bytes.subarray(1) : bytes;
  }

  end(): void {
    if (!this.ended) throw new MalformedBlob('has bytes after its end');
  }
}
