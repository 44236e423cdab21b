/** What a frame of ALiS v1 says; written from the protocol's description, apart from the sender. */
export type AlisFrame =
  | {
      readonly type: 'reset';
      readonly id: number;
      readonly micros: number;
      readonly cols: number;
      readonly rows: number;
      readonly text: string;
    }
  | {
      readonly type: 'output' | 'marker';
      readonly id: number;
      readonly since: number;
      readonly text: string;
    }
  | {
      readonly type: 'resize';
      readonly id: number;
      readonly since: number;
      readonly cols: number;
      readonly rows: number;
    }
  | { readonly type: 'exit'; readonly id: number; readonly since: number; readonly status: number }
  | { readonly type: 'end'; readonly id: number; readonly since: number };

const MAGIC = '414c695301';

class Bytes {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new Error('the frame is cut');
    this.#at += 1;
    return value;
  }

  /** Unsigned LEB128 (DWARF 5, §7.6). */
  number(): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  }

  text(): string {
    const length = this.number();
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    if (part.length !== length) throw new Error('the string is cut');
    this.#at += length;
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(part);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Error('bytes follow the frame');
  }
}

function bodyOf(type: string, bytes: Bytes): AlisFrame {
  const [id, time] = [bytes.number(), bytes.number()];
  switch (type) {
    case '\u0001': {
      const [cols, rows, theme] = [bytes.number(), bytes.number(), bytes.number()];
      if (theme !== 0) throw new Error(`a theme of the format ${theme}`);
      return { type: 'reset', id, micros: time, cols, rows, text: bytes.text() };
    }
    case 'o':
      return { type: 'output', id, since: time, text: bytes.text() };
    case 'm':
      return { type: 'marker', id, since: time, text: bytes.text() };
    case 'r':
      return { type: 'resize', id, since: time, cols: bytes.number(), rows: bytes.number() };
    case 'x':
      return { type: 'exit', id, since: time, status: bytes.number() };
    case '\u0004':
      return { type: 'end', id, since: time };
    default:
      throw new Error(`a frame of the type ${JSON.stringify(type)}`);
  }
}

/** One message; throws unless it is one whole frame. Null: the magic that a stream begins with. */
export function readAlis(message: Uint8Array): AlisFrame | null {
  const buffer = Buffer.from(message);
  if (buffer.toString('hex') === MAGIC) return null;
  const bytes = new Bytes(buffer);
  const frame = bodyOf(String.fromCharCode(bytes.byte()), bytes);
  bytes.end();
  return frame;
}
