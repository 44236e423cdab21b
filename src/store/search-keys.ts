import { type RawBuilder, sql } from 'kysely';

/** What a text belongs to. */
const OWNERS = ['session_id', 'user_id', 'machine_id'] as const;
export type Owner = (typeof OWNERS)[number];

/** Spans of 2^n seconds: 8.5 minutes, 68 minutes, 9 hours, 3 days, 24 days, 194 days. */
const SPAN_BITS = [9, 12, 15, 18, 21, 24] as const;
/** Spans of one size, and a part of one more, that a look goes over at most. */
const MOST_SPANS = 8;

/** Seconds that one look goes over: at least, and at most, where it is not everything. */
export const SHORTEST_SPAN = 2 ** 9;
export const LONGEST_SPAN = MOST_SPANS * 2 ** 24;

/** A key is a number times this, and which of the kinds it is. */
const KINDS = 16;

/**
 * Numbers that stand beside the trigrams in the search index: a text has one each for its session, its
 * user and its machine, and one for the span of time of each size that it lies in. So a look intersects
 * words with these, and reads no text that lies elsewhere. A look has to name them as the index does;
 * `table` is the table's name or alias.
 */
export function keysOf(table: string): RawBuilder<unknown> {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  const seconds = sql`floor(extract(epoch from ${column('at')} at time zone 'UTC'))::bigint`;
  const numbers = [
    ...OWNERS.map(column),
    ...SPAN_BITS.map((bits) => sql`(${seconds} >> ${sql.lit(bits)})`),
  ];
  const keys = numbers.map((number, kind) => sql`${number} * ${sql.lit(KINDS)} + ${sql.lit(kind)}`);
  return sql`(array[${sql.join(keys)}])`;
}

export function ownerKey(owner: Owner, id: number): number {
  return id * KINDS + OWNERS.indexOf(owner);
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
  const last = Math.floor(to.getTime() / 1000 / 2 ** bits);
  const first = last - Math.ceil(seconds / 2 ** bits);
  const keys = Array.from({ length: last - first + 1 }, (_, index) => {
    return (first + index) * KINDS + OWNERS.length + size;
  });
  return { from: new Date(first * 2 ** bits * 1000), keys };
}
