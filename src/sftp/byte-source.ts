/**
 * Reads a stream by length or by field, always one chunk ahead, so that its end is seen without a
 * question; holds no more than two chunks beside what is asked for.
 */
export class ByteSource {
  readonly #chunks: AsyncIterator<string | Buffer>;
  #next: Promise<string | Buffer | null>;
  #held: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(stream: NodeJS.ReadableStream) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#next = this.#ahead();
  }

  /** Whether all of it has been taken. */
  get ended(): boolean {
    return this.#ended && this.#held.length === 0;
  }

  /** As many bytes, fewer only at the end of the stream. Never rejects. */
  async take(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let missing = length;
    while (missing > 0 && (this.#held.length > 0 || (await this.#more()))) {
      const piece = this.#held.subarray(0, missing);
      this.#held = this.#held.subarray(piece.length);
      missing -= piece.length;
      pieces.push(piece);
    }
    const [only] = pieces;
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  }

  /** Waits for the end of the stream, and keeps nothing of what comes before it. Never rejects. */
  async pass(): Promise<void> {
    while (await this.#more());
  }

  /** Fields that end with a NUL each, up to an empty one; null: the stream ended, or they exceed `most` bytes. */
  async fields(most: number): Promise<readonly Buffer[] | null> {
    const fields: Buffer[] = [];
    let left = most;
    for (;;) {
      const end = this.#held.indexOf(0);
      if (end === -1) {
        if (this.#held.length > left) return null;
        const before = this.#held;
        if (!(await this.#more())) return null;
        this.#held = Buffer.concat([before, this.#held]);
        continue;
      }
      const field = this.#held.subarray(0, end);
      this.#held = this.#held.subarray(end + 1);
      if (field.length === 0) return fields;
      left -= field.length;
      if (left < 0) return null;
      fields.push(field);
    }
  }

  /** The next chunk instead of what was held; false at the end. */
  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const chunk = await this.#next;
    if (chunk === null) {
      this.#ended = true;
      this.#held = Buffer.alloc(0);
      return false;
    }
    this.#next = this.#ahead();
    this.#held = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    return true;
  }

  async #ahead(): Promise<string | Buffer | null> {
    const next = await this.#chunks.next().catch(() => null);
    return next === null || next.done === true ? null : next.value;
  }
}
