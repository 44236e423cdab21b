import type { CastEvent } from '../domain/recording.ts';
import { sizeOf } from '../domain/terminal-size.ts';
import { assertFits } from './terminal/cells.ts';
import { Emulator } from './terminal/emulator.ts';
import { keyframe } from './terminal/keyframe.ts';

/** Marks that a player is told of; a recording of ours has a handful. */
const MOST_MARKERS = 1000;

/** A stretch of a recording that can be played by itself. */
export interface Segment {
  /** Seconds after the start of the recording. */
  readonly start: number;
  /** What the player wants: the state of the terminal, and the events from there on. */
  readonly json: string;
}

/**
 * Cuts a recording's events into segments, in the form of asciinema-player 3.17.0: their times are
 * absolute, each begins at the time of its first event (the first at 0), and ends before the next.
 */
export class Segmenter {
  readonly #emulator: Emulator;
  /** UTF-16 units of events after which a segment ends. */
  readonly #length: number;
  #start = 0;
  /** Of the last event, microseconds. */
  #last = 0;
  #snapshot: string;
  #events: string[] = [];
  #units = 0;
  #isFirst = true;
  readonly #markers: [number, string][] = [];

  /** Throws where the terminal is too large, as `add` does. */
  constructor(cols: number, rows: number, length: number) {
    assertFits(cols, rows);
    this.#emulator = new Emulator(cols, rows);
    this.#length = length;
    this.#snapshot = this.#look();
  }

  /** Seconds after the start. */
  get duration(): number {
    return this.#last / 1_000_000;
  }

  get markers(): readonly (readonly [number, string])[] {
    return this.#markers;
  }

  /** Answers the segment before the event when one ends there. */
  add(event: Pick<CastEvent, 'at' | 'code' | 'data'>): Segment | null {
    const size = event.code === 'r' ? sizeOf(event.data) : null;
    if (event.code === 'r' && size === null) return null;
    if (event.code === 'm' && this.#markers.length === MOST_MARKERS) return null;
    const micros = Math.max(Math.round(event.at * 1_000_000), this.#last);
    const isFull = this.#units >= this.#length;
    // A segment begins after the last event: a microsecond, when they came at one time.
    const at = isFull ? Math.max(micros, this.#last + 1) : micros;
    const segment = isFull ? this.#cut(at) : null;
    this.#put(at, event.code, event.data);
    if (size !== null) {
      assertFits(size.cols, size.rows);
      this.#emulator.resize(size.cols, size.rows);
    }
    if (event.code === 'o') this.#emulator.feed(event.data);
    if (event.code === 'm') this.#markers.push([at / 1_000_000, event.data]);
    return segment;
  }

  /** The last segment. No other call may follow. */
  end(): Segment {
    // No segment may begin at the very end, and none may be empty.
    const isLate = !this.#isFirst && this.#start === this.#last;
    if (isLate) this.#put(this.#last + 1, 'o', '');
    else if (this.#events.length === 0) this.#put(this.#last, 'o', '');
    return this.#segment();
  }

  #put(at: number, code: string, data: string): void {
    const event = `[${at / 1_000_000},${JSON.stringify(code)},${JSON.stringify(data)}]`;
    this.#last = at;
    this.#events.push(event);
    this.#units += event.length;
  }

  #cut(at: number): Segment {
    const segment = this.#segment();
    this.#isFirst = false;
    this.#start = at;
    this.#snapshot = this.#look();
    this.#events = [];
    this.#units = 0;
    return segment;
  }

  #look(): string {
    const { cols, rows } = this.#emulator.screen;
    return JSON.stringify({ cols, rows, init: keyframe(this.#emulator) });
  }

  #segment(): Segment {
    const json = `{"snapshot":${this.#snapshot},"events":[${this.#events.join(',')}]}`;
    return { start: this.#start / 1_000_000, json };
  }
}
