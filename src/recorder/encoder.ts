import { createHash, type Hash } from 'node:crypto';
import type { Frame } from '../handoff/frame.ts';
import { FRAME, readEnd, readResize } from './frame.ts';
import { Intervals } from './interval.ts';
import { noteLine } from './note.ts';
import { TypedEvents } from './typed-events.ts';
import { type Decoded, Utf8Stream } from './utf8.ts';

/** Columns and rows. */
export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** One of a program's two outputs. */
class Direction {
  readonly name: string;
  readonly isError: boolean;
  readonly decoder = new Utf8Stream();
  /** Bytes that came after the cap. */
  beyond = 0;
  readonly hash: Hash = createHash('sha256');

  constructor(name: string, isError: boolean) {
    this.name = name;
    this.isError = isError;
  }
}

/** How the mark begins that stands where keeping ended. */
export const CAP_MARK = 'postern: what comes after the first';

/** Turns one channel's frames into asciicast v3 lines: the events `o r m x`, and `i` where what is typed is recorded, and notes (note.ts). */
export class CastEncoder {
  readonly #intervals = new Intervals();
  readonly #output = new Direction('output', false);
  readonly #error = new Direction('error', true);
  /** Null: no cap. */
  readonly #cap: number | null;
  #bytes = 0;
  #lines = '';
  #isEmpty = true;
  /** Null: what is typed is not recorded. */
  readonly #typed: TypedEvents | null = null;
  /** Of the frame that is being added, microseconds. */
  #now = 0;

  /** `typed`: the terminal's size, where what is typed is recorded too. */
  constructor(cap: number | null, typed: TerminalSize | null = null) {
    this.#cap = cap;
    if (typed === null) return;
    this.#typed = new TypedEvents(typed.cols, typed.rows, (code, data) => {
      this.#event(this.#now, code, data);
    });
  }

  /** Bytes of output and error so far, those beyond the cap included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of the last event, microseconds after the start. */
  get micros(): number {
    return this.#intervals.last;
  }

  /** The lines since the last call. */
  take(): string {
    const lines = this.#lines;
    this.#lines = '';
    return lines;
  }

  add(frame: Frame): void {
    this.#now = frame.micros;
    switch (frame.kind) {
      case FRAME.output:
        this.#bytesOf(this.#output, frame);
        break;
      case FRAME.error:
        this.#bytesOf(this.#error, frame);
        break;
      case FRAME.resize:
        this.#typed?.resize(readResize(frame.payload));
        this.#event(frame.micros, 'r', readResize(frame.payload));
        break;
      case FRAME.input:
        this.#typed?.typed(frame.payload);
        break;
      case FRAME.mark:
        this.#event(frame.micros, 'm', Buffer.from(frame.payload).toString());
        break;
      case FRAME.end:
        this.#end(frame.micros, readEnd(frame.payload));
        break;
      default:
        throw new Error(`a frame of the unknown kind ${frame.kind}`);
    }
  }

  #bytesOf(direction: Direction, frame: Frame): void {
    const { payload, micros } = frame;
    const room = this.#cap === null ? payload.length : Math.max(0, this.#cap - this.#bytes);
    const capped = this.#cap !== null && this.#bytes > this.#cap;
    this.#bytes += payload.length;
    if (room > 0) this.#text(direction, micros, direction.decoder.write(payload.subarray(0, room)));
    if (room >= payload.length) return;
    if (!capped) this.#atCap(micros);
    const rest = payload.subarray(room);
    direction.beyond += rest.length;
    direction.hash.update(rest);
  }

  #atCap(micros: number): void {
    this.#flush(micros);
    this.#event(micros, 'm', `${CAP_MARK} ${this.#cap} bytes is counted and hashed, not kept`);
  }

  #text(direction: Direction, micros: number, { text, bytes, exact }: Decoded): void {
    if (text === '') return;
    this.#typed?.output(text);
    if (direction.isError) this.#lines += noteLine('stderr', String(text.length));
    if (!exact) this.#lines += noteLine('bytes', bytes.toString('base64'));
    this.#event(micros, 'o', text);
  }

  #flush(micros: number): void {
    for (const direction of [this.#output, this.#error]) {
      this.#text(direction, micros, direction.decoder.end());
    }
  }

  #end(micros: number, status: number | null): void {
    this.#flush(micros);
    this.#typed?.end();
    for (const { name, beyond, hash } of [this.#output, this.#error]) {
      if (beyond === 0) continue;
      const digest = hash.digest('hex');
      this.#event(micros, 'm', `postern: ${beyond} bytes of ${name} not kept, sha256 ${digest}`);
    }
    // asciinema-player refuses a file without an event that it shows.
    if (this.#isEmpty) this.#event(micros, 'o', '');
    if (status !== null) this.#event(micros, 'x', String(status));
  }

  #event(micros: number, code: string, data: string): void {
    this.#isEmpty = false;
    this.#lines += `[${this.#intervals.next(micros)},"${code}",${JSON.stringify(data)}]\n`;
  }
}
