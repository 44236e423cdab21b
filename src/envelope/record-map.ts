import type { PositionedBytes } from '../domain/positioned-bytes.ts';
import type { Envelope } from './envelope.ts';
import { LENGTH_BYTES, OVERHEAD, textLength } from './record.ts';

/** Bytes of the file from one place that is remembered to the next. */
const STRIDE = 64 * 1024;

/** Bytes that are read at once where only the next record is looked for. */
const LOOK_AHEAD = 8 * 1024;

/** Where a record begins, or would. */
export interface Spot {
  /** Byte of the file. */
  readonly at: number;
  /** Byte of the text. */
  readonly text: number;
  /** Of the record, from 0. */
  readonly number: number;
}

/**
 * Where the records of an encrypted file are, by what they say of their length: nothing is opened, so no
 * key is needed. Remembers one place of every 64 KB.
 */
export class RecordMap {
  readonly #file: PositionedBytes;
  readonly #first: Spot;
  /** One of every STRIDE, ascending. */
  readonly #spots: Spot[];
  /** Behind the last record that was found. */
  #frontier: Spot;
  #ahead: { readonly at: number; readonly bytes: Buffer } = { at: 0, bytes: Buffer.alloc(0) };

  constructor(file: PositionedBytes, envelope: Envelope) {
    this.#file = file;
    this.#first = { at: envelope.line.length, text: 0, number: 0 };
    this.#spots = [this.#first];
    this.#frontier = this.#first;
  }

  /** Behind the last whole record, now. */
  async end(): Promise<Spot> {
    let spot = this.#frontier;
    for (let next = await this.after(spot); next !== null; next = await this.after(spot)) {
      spot = next;
    }
    return spot;
  }

  /**
   * The record that has the byte of the text at `position`, or where the next would begin. `hints`: what else
   * is known.
   */
  async spotOf(position: number, hints: readonly Spot[] = []): Promise<Spot> {
    let spot = this.#near(position, hints);
    for (;;) {
      const next = await this.after(spot);
      if (next === null || next.text > position) return spot;
      spot = next;
    }
  }

  #near(position: number, hints: readonly Spot[]): Spot {
    let low = 0;
    let high = this.#spots.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#spots[middle]?.text ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    let near = this.#spots[low] ?? this.#first;
    for (const one of [...hints, this.#frontier]) {
      if (one.text <= position && one.text > near.text) near = one;
    }
    return near;
  }

  /** Where the record after the one at `spot` begins; null: that one is not whole. */
  async after(spot: Spot): Promise<Spot | null> {
    const head = await this.bytes(spot.at, LENGTH_BYTES);
    const length = head === null ? null : textLength(head);
    if (length === null) return null;
    const at = spot.at + length + OVERHEAD;
    // Its last byte is there.
    if ((await this.bytes(at - 1, 1)) === null) return null;
    const next = { at, text: spot.text + length, number: spot.number + 1 };
    if (next.text > this.#frontier.text) this.#frontier = next;
    const last = this.#spots.at(-1);
    if (last !== undefined && at - last.at >= STRIDE) this.#spots.push(next);
    return next;
  }

  /** What lies in the file behind `spot`, and whether it may be a record that was not written to its end. */
  async behind(spot: Spot): Promise<{ readonly rest: number; readonly torn: boolean }> {
    const rest = (await this.#file.size()) - spot.at;
    if (rest < LENGTH_BYTES) return { rest, torn: true };
    const head = await this.bytes(spot.at, LENGTH_BYTES);
    const begins = head !== null && textLength(head) !== null;
    return { rest, torn: begins && (await this.after(spot)) === null };
  }

  /**
   * `length` bytes of the file, from what was read ahead where it has them; null: they are not there.
   */
  async bytes(at: number, length: number, ahead = LOOK_AHEAD): Promise<Buffer | null> {
    const from = at - this.#ahead.at;
    if (from >= 0 && from + length <= this.#ahead.bytes.length) {
      return this.#ahead.bytes.subarray(from, from + length);
    }
    const bytes = Buffer.allocUnsafe(Math.max(length, ahead));
    let got = 0;
    while (got < length) {
      const { bytesRead } = await this.#file.read(bytes, got, bytes.length - got, at + got);
      if (bytesRead === 0) return null;
      got += bytesRead;
    }
    this.#ahead = { at, bytes: bytes.subarray(0, got) };
    return this.#ahead.bytes.subarray(0, length);
  }
}
