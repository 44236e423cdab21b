import { LONGEST_SPAN, SHORTEST_SPAN, spanBefore, type TimeSpan } from './search-keys.ts';

/** How much longer each span is than the one before. */
const GROWTH = 8;

/**
 * The spans of time in which the index is asked, from the newest on: each longer than the one behind
 * it, for that had too little; where one has too much, shorter ones until it is passed.
 */
export class SpanGrowth {
  #to: Date;
  #seconds: number;
  /** The beginning of the last span that had too much. */
  #full: Date;

  /** Goes on behind `seconds` that end at `to`. */
  constructor(to: Date, seconds: number) {
    this.#to = to;
    this.#full = to;
    this.#seconds = Math.max(SHORTEST_SPAN, seconds * GROWTH);
  }

  get span(): TimeSpan {
    return spanBefore(this.#to, this.#seconds);
  }

  /** False: there is no shorter one. */
  shrink({ from }: TimeSpan): boolean {
    if (this.#seconds <= SHORTEST_SPAN) return false;
    this.#full = from ?? new Date(0);
    this.#seconds = Math.max(SHORTEST_SPAN, Math.min(this.#seconds, LONGEST_SPAN) / GROWTH);
    return true;
  }

  /** Everything from `from` on was looked up. */
  pass(from: Date): void {
    this.#to = from;
    if (from <= this.#full) this.#seconds *= GROWTH;
  }
}
