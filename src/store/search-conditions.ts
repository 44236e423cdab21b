import { type RawBuilder, sql } from 'kysely';
import {
  SEARCH_KINDS,
  type SearchFilter,
  type SearchKind,
  type SearchPlace,
} from '../domain/search.ts';
import { containing } from './paging.ts';
import { MAY_BE_FOUND } from './unsearched.ts';

export const SEARCHED_TABLES = { command: 'commands', output: 'transcript_blocks' } as const;

/** The row of a text in a search. */
export const ENTRY = 'entry';

export interface PlaceRow {
  readonly kind: SearchKind;
  readonly id: number;
  readonly at: Date;
}

export function tableOf(kind: SearchKind): RawBuilder<unknown> {
  return sql`${sql.table(SEARCHED_TABLES[kind])} as ${sql.ref(ENTRY)}`;
}

export function kindsOf({ kind }: SearchFilter): readonly SearchKind[] {
  return kind === undefined ? SEARCH_KINDS : [kind];
}

export function all(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}

/** What is searched at all, in the words of the indexes: not what a prompt shows, which the commands say better. */
export function isSearched(kind: SearchKind, table = ENTRY): RawBuilder<unknown> {
  const folded = sql`${sql.ref(`${table}.folded`)} is not null`;
  return kind === 'command' ? folded : sql`${folded} and ${sql.ref(`${table}.kind`)} <> 'prompt'`;
}

/** What a text belongs to. */
export type Owner = 'session_id' | 'user_id' | 'machine_id';

/** Those that the filter names. */
export function ownersOf(filter: SearchFilter): readonly (readonly [Owner, number])[] {
  const { sessionId, userId = filter.onlyOf, machineId } = filter;
  const owners: (readonly [Owner, number])[] = [];
  if (sessionId !== undefined) owners.push(['session_id', sessionId]);
  if (userId !== undefined) owners.push(['user_id', userId]);
  if (machineId !== undefined) owners.push(['machine_id', machineId]);
  return owners;
}

/** When a text is to be, and behind which place; `at` is its time, as it is to be compared. */
export function isBehind(
  kind: SearchKind,
  { from, to }: SearchFilter,
  after: SearchPlace | null,
  at: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const conditions: RawBuilder<unknown>[] = [];
  if (from !== undefined) conditions.push(sql`${at} >= ${from}::timestamptz`);
  if (to !== undefined) conditions.push(sql`${at} < ${to}::timestamptz`);
  if (after !== null) {
    // The first is for the index; the row is not of one table.
    conditions.push(sql`${at} <= ${after.at}::timestamptz`);
    conditions.push(sql`(${at}, ${sql.lit(kind)}::text, entry.id) <
      (${after.at}::timestamptz, ${after.kind}::text, ${after.id}::bigint)`);
  }
  return all(conditions);
}

/** Of the session that it is of: whose, on which machine, and that it may be found there. */
export function inSession(filter: SearchFilter): RawBuilder<unknown> {
  const { userId, machineId, sessionId, onlyOf } = filter;
  const conditions: RawBuilder<unknown>[] = [MAY_BE_FOUND];
  if (onlyOf !== undefined) conditions.push(sql`sessions.user_id = ${onlyOf}`);
  if (userId !== undefined) conditions.push(sql`sessions.user_id = ${userId}`);
  if (machineId !== undefined) conditions.push(sql`sessions.machine_id = ${machineId}`);
  if (sessionId !== undefined) conditions.push(sql`sessions.id = ${sessionId}`);
  return all(conditions);
}

export function hasWords({ words }: SearchFilter): RawBuilder<unknown> {
  return all(words.map((word) => sql`entry.folded like ${containing(word)}`));
}

export function newestFirst(places: readonly PlaceRow[]): readonly SearchPlace[] {
  return places
    .map(({ kind, id, at }) => ({ kind, id, at }))
    .sort((a, b) => {
      if (a.at.getTime() !== b.at.getTime()) return b.at.getTime() - a.at.getTime();
      return a.kind === b.kind ? b.id - a.id : a.kind < b.kind ? 1 : -1;
    });
}
