import type { SearchKind } from '../domain/search.ts';

/**
 * A sheet has 32-bit keys for what it holds. One for each place in its texts: 24 bits for the three
 * UTF-16 units that begin there, 4 for each of the two behind them. So what is looked for is known by
 * its fives, roughly, which are far rarer than its threes, and what has three units has 256 keys.
 * And one each for its kind, its session, its machine, and the spans of time that it lies in. Two
 * things may have the same key: what is looked up by keys is then looked at.
 */
const TAIL_BITS = 4;
const TAILS = 2 ** TAIL_BITS;
const GRAM = 5;

/** Keys of one search at most: more find nothing that these do not. */
const MOST_GRAMS = 48;

/** Spans of 2^n seconds: 8.5 minutes, 68 minutes, 9 hours, 3 days, 24 days, 194 days. */
const SPAN_BITS = [9, 12, 15, 18, 21, 24] as const;
/** Spans of one size, and a part of one more, that a look goes over at most. */
const MOST_SPANS = 8;

/** Seconds that one look goes over: at least, and at most, where it is not everything. */
export const SHORTEST_SPAN = 2 ** 9;
export const LONGEST_SPAN = MOST_SPANS * 2 ** 24;

function mixed(bits: number): number {
  const once = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  const twice = Math.imul(once ^ (once >>> 12), 0x297a2d39);
  return twice ^ (twice >>> 15);
}

function head(a: number, b: number, c: number): number {
  const bits = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  return mixed(bits) & ~(TAILS * TAILS - 1);
}

function tail(unit: number): number {
  return Math.imul(unit, 0x9e3779b1) >>> (32 - TAIL_BITS);
}

/** A thing that has a number. */
function thing(kind: number, number: number): number {
  const [high, low] = [Math.floor(number / 2 ** 32), number % 2 ** 32];
  return mixed(mixed(low) ^ Math.imul(high * 16 + kind + 1, 0x9e3779b1));
}

const THINGS = { command: 0, output: 1, session: 2, machine: 3 } as const;
const FIRST_SPAN = 4;

export function kindKey(kind: SearchKind): number {
  return thing(THINGS[kind], 0);
}

export function sessionKey(id: number): number {
  return thing(THINGS.session, id);
}

export function machineKey(id: number): number {
  return thing(THINGS.machine, id);
}

/** Of what stands at a place in a text; behind its end there is NaN, which is multiplied as 0. */
function textKey(text: string, at: number): number {
  const begins = head(text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2));
  return begins | (tail(text.charCodeAt(at + 3)) * TAILS) | tail(text.charCodeAt(at + 4));
}

/** Adds the keys of a folded text. */
export function addTextKeys(keys: Set<number>, text: string): void {
  for (let at = 0; at + 3 <= text.length; at += 1) keys.add(textKey(text, at));
}

/** Adds the keys of the spans of all sizes from one moment to another. */
export function addSpanKeys(keys: Set<number>, from: Date, to: Date): void {
  for (const [size, bits] of SPAN_BITS.entries()) {
    const last = spanAt(to, bits);
    for (let span = spanAt(from, bits); span <= last; span += 1) {
      keys.add(thing(FIRST_SPAN + size, span));
    }
  }
}

function spanAt(time: Date, bits: number): number {
  return Math.floor(time.getTime() / 1000 / 2 ** bits);
}

/** What a sheet with a text that has the words has: all of `all`, and one of each of `oneOf`. */
export interface WordKeys {
  readonly all: readonly number[];
  readonly oneOf: readonly (readonly number[])[];
}

export function wordKeys(words: readonly string[]): WordKeys {
  const all = new Set<number>();
  const oneOf: (readonly number[])[] = [];
  for (const word of words) {
    if (word.length >= GRAM) {
      for (let at = 0; at + GRAM <= word.length; at += 1) all.add(textKey(word, at));
    } else if (word.length >= 3) {
      oneOf.push(shortWordKeys(word));
    }
  }
  const step = Math.max(1, all.size / MOST_GRAMS);
  const some = [...all].filter((_, at) => Math.floor(at / step) > Math.floor((at - 1) / step));
  return { all: some, oneOf };
}

/** Of three or four units, whatever follows them. */
function shortWordKeys(word: string): readonly number[] {
  const begins = head(word.charCodeAt(0), word.charCodeAt(1), word.charCodeAt(2));
  if (word.length === 3) return Array.from({ length: TAILS * TAILS }, (_, rest) => begins | rest);
  const fourth = tail(word.charCodeAt(3)) * TAILS;
  return Array.from({ length: TAILS }, (_, fifth) => begins | fourth | fifth);
}

/** A key as the index has it: of everybody's sheets (0), or of one user's. */
export function keyOf(owner: number, key: number): string {
  return String(BigInt(owner) * 2n ** 32n + BigInt(key));
}

/** A time that ends at some moment, as the index knows it. */
export interface TimeSpan {
  /** Its beginning; null: it goes over everything. */
  readonly from: Date | null;
  /** Who lies in it has one of these, and who has one may lie some time behind it; null as `from`. */
  readonly keys: readonly number[] | null;
}

/** The time before `to`, of `seconds` or somewhat more; everything where that is years. */
export function spanBefore(to: Date, seconds: number): TimeSpan {
  const size = SPAN_BITS.findIndex((bits) => seconds <= MOST_SPANS * 2 ** bits);
  const bits = SPAN_BITS[size];
  if (bits === undefined) return { from: null, keys: null };
  const last = spanAt(to, bits);
  const first = last - Math.ceil(seconds / 2 ** bits);
  const keys = Array.from({ length: last - first + 1 }, (_, at) => {
    return thing(FIRST_SPAN + size, first + at);
  });
  return { from: new Date(first * 2 ** bits * 1000), keys };
}
