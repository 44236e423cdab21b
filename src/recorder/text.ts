import type { CastEvent, LogEntry } from '../domain/recording.ts';
import { type CursorMotion, EscapeStripper } from './escapes.ts';

/** UTF-16 units of one entry. */
const LONGEST_ENTRY = 4096;

/** Seconds without output after which what stands on the line so far is an entry of its own. */
const PAUSE = 0.5;

/** The line that a program is writing: printed characters, a cursor that can go back over them. */
class LineBuffer {
  readonly #type: LogEntry['type'];
  readonly #stripper = new EscapeStripper();
  #characters: string[] = [];
  #cursor = 0;
  #startedAt = 0;
  #units = 0;

  constructor(type: LogEntry['type']) {
    this.#type = type;
  }

  *write(at: number, text: string): Generator<LogEntry> {
    for (const piece of this.#stripper.write(text)) {
      if (typeof piece === 'string') yield* this.#print(at, piece);
      else if (piece.type === 'break') yield* this.flush();
      else this.#move(piece);
    }
  }

  /** The line so far as an entry, when there is anything on it. */
  *flush(): Generator<LogEntry> {
    const text = this.#characters.join('').trimEnd();
    const at = this.#startedAt;
    this.#characters = [];
    this.#cursor = 0;
    this.#units = 0;
    if (text !== '') yield { at, type: this.#type, text };
  }

  *#print(at: number, character: string): Generator<LogEntry> {
    if (this.#units + character.length > LONGEST_ENTRY) yield* this.flush();
    if (this.#characters.length === 0) this.#startedAt = at;
    this.#units += character.length - (this.#characters[this.#cursor]?.length ?? 0);
    this.#characters[this.#cursor] = character;
    this.#cursor += 1;
  }

  #move(motion: CursorMotion): void {
    switch (motion.type) {
      case 'return':
        this.#cursor = 0;
        break;
      case 'back':
        this.#cursor = Math.max(0, this.#cursor - motion.by);
        break;
      case 'forward':
        // Never beyond what is printed: an invented blank would have to be bounded too.
        this.#cursor = Math.min(this.#characters.length, this.#cursor + motion.by);
        break;
      case 'erase':
        // What is cut is counted, and not what stays: a program can erase nothing any number of times.
        if (this.#cursor < this.#characters.length) {
          this.#units -= this.#characters.splice(this.#cursor).join('').length;
        }
        break;
    }
  }
}

/** A recording's events as plain text entries, in the order in which they were complete. */
export async function* logEntries(events: AsyncIterable<CastEvent>): AsyncGenerator<LogEntry> {
  const output = new LineBuffer('output');
  const error = new LineBuffer('error');
  let last = 0;
  for await (const { at, code, data, isError } of events) {
    if (code !== 'o') continue;
    if (at - last >= PAUSE) {
      yield* output.flush();
      yield* error.flush();
    }
    yield* (isError ? error : output).write(at, data);
    last = at;
  }
  yield* output.flush();
  yield* error.flush();
}
