import { CommandFailure } from './shell.ts';

/** What a frame of ALiS v1 tells, as far as a terminal shows it. */
export type AlisFrame =
  /** The whole screen, on an empty terminal of this size. */
  | { readonly type: 'reset'; readonly cols: number; readonly rows: number; readonly text: string }
  | { readonly type: 'output'; readonly text: string }
  | { readonly type: 'marker'; readonly text: string }
  | { readonly type: 'exit'; readonly status: number }
  | { readonly type: 'other' };

const OTHER: AlisFrame = { type: 'other' };

/** Bytes a colour, in a theme's foreground, background and palette. */
const COLOR = 3;

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new CommandFailure(1, 'the server sent half a frame');
    this.#at += 1;
    return value;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new CommandFailure(1, 'the server sent a number that is too large');
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  text(): string {
    const length = this.number();
    const from = this.#at;
    this.#at += length;
    return this.#bytes.toString('utf8', from, from + length);
  }
}

/** Reads one message; throws CommandFailure when it is no whole frame. What nobody shows is `other`. */
export function readFrame(message: Buffer): AlisFrame {
  const reader = new Reader(message);
  const type = String.fromCharCode(reader.byte());
  if (!'\u0001oxm'.includes(type)) return OTHER;
  // The frame's number, and its time.
  reader.number();
  reader.number();
  if (type === 'o') return { type: 'output', text: reader.text() };
  if (type === 'm') return { type: 'marker', text: reader.text() };
  if (type === 'x') return { type: 'exit', status: reader.number() };
  const [cols, rows, colors] = [reader.number(), reader.number(), reader.number()];
  if (colors > 0) reader.skip((2 + colors) * COLOR);
  return { type: 'reset', cols, rows, text: reader.text() };
}
