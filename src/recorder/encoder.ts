import { createHash, type Hash } from 'node:crypto';
import type { Frame } from '../handoff/frame.ts';
import { FRAME, readEnd, readResize } from './frame.ts';
import { Intervals } from './interval.ts';
import { type Decoded, Utf8Stream } from './utf8.ts';

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

/**
 * Turns one channel's frames into asciicast v3 lines. Beside the standard events `o r m x` it writes
 * two of its own, which players skip (asciicast v3: unknown codes are ignored), each beside an `o`:
 * - `E` just before an `o`: that output came from stderr. Its data is the length of the `o`'s text in
 *   UTF-16 units.
 * - `B` just after an `o` whose text has U+FFFD for bytes that are not UTF-8: the base64 of exactly
 *   the bytes that the text stands for.
 */
export class CastEncoder {
  readonly #intervals = new Intervals();
  readonly #output = new Direction('output', false);
  readonly #error = new Direction('error', true);
  /** Null: no cap. */
  readonly #cap: number | null;
  #bytes = 0;
  #lines = '';

  constructor(cap: number | null) {
    this.#cap = cap;
  }

  /** Bytes of output and error so far, those beyond the cap included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Seconds of the last event after the start. */
  get duration(): number {
    return this.#intervals.last / 1_000_000;
  }

  /** The lines since the last call. */
  take(): string {
    const lines = this.#lines;
    this.#lines = '';
    return lines;
  }

  add(frame: Frame): void {
    switch (frame.kind) {
      case FRAME.output:
        this.#bytesOf(this.#output, frame);
        break;
      case FRAME.error:
        this.#bytesOf(this.#error, frame);
        break;
      case FRAME.resize:
        this.#event(frame.micros, 'r', readResize(frame.payload));
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
    this.#event(
      micros,
      'm',
      `postern: what comes after the first ${this.#cap} bytes is counted and hashed, not kept`,
    );
  }

  #text(direction: Direction, micros: number, { text, bytes, exact }: Decoded): void {
    if (text === '') return;
    if (direction.isError) this.#event(micros, 'E', String(text.length));
    this.#event(micros, 'o', text);
    if (!exact) this.#event(micros, 'B', bytes.toString('base64'));
  }

  #flush(micros: number): void {
    for (const direction of [this.#output, this.#error]) {
      this.#text(direction, micros, direction.decoder.end());
    }
  }

  #end(micros: number, status: number | null): void {
    this.#flush(micros);
    for (const { name, beyond, hash } of [this.#output, this.#error]) {
      if (beyond === 0) continue;
      const digest = hash.digest('hex');
      this.#event(micros, 'm', `postern: ${beyond} bytes of ${name} not kept, sha256 ${digest}`);
    }
    if (status !== null) this.#event(micros, 'x', String(status));
  }

  #event(micros: number, code: string, data: string): void {
    this.#lines += `[${this.#intervals.next(micros)},"${code}",${JSON.stringify(data)}]\n`;
  }
}
