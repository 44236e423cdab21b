import { type RawBuilder, sql } from 'kysely';
import type { SearchFilter, SearchPlace } from '../domain/search.ts';
import {
  all,
  hasWords,
  inSession,
  isBehind,
  isSearched,
  kindsOf,
  newestFirst,
  ownersOf,
  type PlaceRow,
  tableOf,
} from './search-conditions.ts';
import { keysOf, ownerKey, type TimeSpan } from './search-keys.ts';
import type { Db } from './tables.ts';

/**
 * Looks texts up by the trigram index, all that lie behind a place in a span of time. Null: more than
 * `most` have the words, so that a shorter span has enough of them.
 */
export async function lookUp(
  db: Db,
  filter: SearchFilter,
  after: SearchPlace,
  { from, keys }: TimeSpan,
  most: number,
): Promise<readonly SearchPlace[] | null> {
  const within: RawBuilder<unknown>[] = [];
  const owners = ownersOf(filter).map((one) => ownerKey(...one));
  // An empty array would go through the whole index.
  if (owners.length > 0) within.push(sql`${keysOf('entry')} @> ${owners}::bigint[]`);
  if (keys !== null) within.push(sql`${keysOf('entry')} && ${[...keys]}::bigint[]`);
  // As the indexes by time do not have it: they would serve too.
  const at = sql`(entry.at + interval '0')`;
  if (from !== null) within.push(sql`${at} >= ${from}::timestamptz`);
  const places: SearchPlace[] = [];
  for (const kind of kindsOf(filter)) {
    const { rows } = await sql<PlaceRow & { readonly seen: boolean }>`
      with found as materialized (
        select entry.id, entry.at, entry.session_id from ${tableOf(kind)}
        where ${all([isSearched(kind), hasWords(filter), ...within, isBehind(kind, filter, after, at)])}
        limit ${most + 1})
      select ${sql.lit(kind)}::text as kind, found.id, found.at, ${inSession(filter)} as seen
      from found join sessions on sessions.id = found.session_id`.execute(db);
    if (rows.length > most) return null;
    places.push(...rows.filter((row) => row.seen));
  }
  return newestFirst(places);
}
