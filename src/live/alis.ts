/**
 * Frames of asciinema's ALiS v1 (asciinema: docs/manual/server/streaming, src/alis.rs), each a message of its
 * own. Numbers are unsigned LEB128, times are microseconds, strings are their length and UTF-8.
 */

/** The first message of a stream. */
export const MAGIC: Uint8Array = Uint8Array.of(0x41, 0x4c, 0x69, 0x53, 0x01);

const RESET = 0x01;
const END = 0x04;
const OUTPUT = 0x6f;
const RESIZE = 0x72;
const MARKER = 0x6d;
const EXIT = 0x78;
const NO_THEME = 0;

/** Appends an unsigned LEB128 number; `value` is a whole number up to 2^53. */
function number(bytes: number[], value: number): void {
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

function frame(type: number, numbers: readonly number[], text: string | null): Uint8Array {
  const head = [type];
  for (const value of numbers) number(head, value);
  if (text === null) return Uint8Array.from(head);
  const length = Buffer.byteLength(text);
  number(head, length);
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  Buffer.from(bytes.buffer).write(text, head.length);
  return bytes;
}

/** A screen as it was at one moment: what a late viewer begins with. */
export interface ScreenState {
  readonly cols: number;
  readonly rows: number;
  /** What to write on an empty terminal of this size to make it equal. */
  readonly text: string;
}

/**
 * Numbers and times the frames of one stream: ids count up, and each frame has the time since the one
 * before. A viewer that begins with `reset` can take every later frame as it is.
 */
export class AlisStream {
  #id = 0;
  /** Of the last frame. */
  #micros: number;

  /** `micros` after the recording's start the stream begins. */
  constructor(micros: number) {
    this.#micros = micros;
  }

  /** What was until then is in no frame: the next `reset` has it. */
  pass(micros: number): void {
    this.#micros = Math.max(this.#micros, micros);
  }

  reset({ cols, rows, text }: ScreenState): Uint8Array {
    return frame(RESET, [this.#id, this.#micros, cols, rows, NO_THEME], text);
  }

  output(micros: number, text: string): Uint8Array {
    return frame(OUTPUT, this.#next(micros), text);
  }

  resize(micros: number, cols: number, rows: number): Uint8Array {
    return frame(RESIZE, [...this.#next(micros), cols, rows], null);
  }

  marker(micros: number, label: string): Uint8Array {
    return frame(MARKER, this.#next(micros), label);
  }

  exit(micros: number, status: number): Uint8Array {
    return frame(EXIT, [...this.#next(micros), status], null);
  }

  end(): Uint8Array {
    return frame(END, this.#next(this.#micros), null);
  }

  /** A marker of no time, for who has just been given `reset`; it has no number of its own. */
  note(label: string): Uint8Array {
    return frame(MARKER, [this.#id, 0], label);
  }

  #next(micros: number): [id: number, since: number] {
    const now = Math.max(this.#micros, micros);
    const since = now - this.#micros;
    this.#micros = now;
    this.#id += 1;
    return [this.#id, since];
  }
}
