import { type RawBuilder, sql } from 'kysely';
import type { SearchFilter, SearchKind, SearchPlace } from '../domain/search.ts';
import {
  all,
  hasWords,
  inSession,
  isBehind,
  isSearched,
  kindsOf,
  newestFirst,
  type PlaceRow,
  tableOf,
} from './search-conditions.ts';
import { keyOf, kindKey, machineKey, sessionKey, type TimeSpan, wordKeys } from './search-keys.ts';
import { storable } from './storable.ts';
import type { Db } from './tables.ts';

/** As the index has them. */
const KEYS = sql`search_keys(sheet.keys, sheet.user_id)`;

// As the indexes by time do not have it: they would serve too.
const AT = sql`(entry.at + interval '0')`;

/** Which sheets may hold what is looked for: keys of everybody's, or where it is one user's, of those alone. */
function onSheet(filter: SearchFilter, span: TimeSpan): RawBuilder<unknown> {
  const { kind, userId, sessionId, machineId, onlyOf, words } = filter;
  const owner = onlyOf ?? userId ?? 0;
  const asIndexed = (keys: readonly number[]) =>
    sql`${keys.map((key) => keyOf(owner, key))}::bigint[]`;
  const { all: needed, oneOf } = wordKeys(words.map(storable));
  const every = [...needed];
  if (kind !== undefined) every.push(kindKey(kind));
  if (sessionId !== undefined) every.push(sessionKey(sessionId));
  if (machineId !== undefined) every.push(machineKey(machineId));
  const conditions = [...oneOf, ...(span.keys === null ? [] : [span.keys])].map((keys) => {
    return sql`${KEYS} && ${asIndexed(keys)}`;
  });
  // An empty array would go through the whole index.
  if (every.length > 0) conditions.push(sql`${KEYS} @> ${asIndexed(every)}`);
  return all(conditions);
}

interface SheetRow {
  readonly recording_id: number;
  readonly kind: SearchKind;
  readonly first: number;
  readonly last: number;
}

/** The pieces on these sheets that have the words. */
function piecesOn(
  sheets: readonly SheetRow[],
  kind: SearchKind,
  filter: SearchFilter,
  after: SearchPlace,
  { from }: TimeSpan,
): RawBuilder<unknown> {
  const conditions = [isSearched(kind), hasWords(filter), isBehind(kind, filter, after, AT)];
  if (from !== null) conditions.push(sql`${AT} >= ${from}::timestamptz`);
  return sql`select ${sql.lit(kind)}::text as kind, found.id, found.at
    from unnest(${sheets.map((sheet) => sheet.recording_id)}::bigint[],
      ${sheets.map(({ first }) => first)}::integer[], ${sheets.map(({ last }) => last)}::integer[])
      as sheet (recording_id, first, last)
    cross join lateral (select entry.id, entry.at, entry.session_id from ${tableOf(kind)}
      where entry.recording_id = sheet.recording_id and entry.number between sheet.first and sheet.last
        and ${all(conditions)} offset 0) as found
    join sessions on sessions.id = found.session_id where ${inSession(filter)}`;
}

/**
 * Looks texts up by the sheets that they are on, all that lie behind a place in a span of time. Null: more
 * than `most` sheets may have them, so that a shorter span has enough.
 */
export async function lookUp(
  db: Db,
  filter: SearchFilter,
  after: SearchPlace,
  span: TimeSpan,
  most: number,
): Promise<readonly SearchPlace[] | null> {
  const { rows: sheets } = await sql<SheetRow>`
    select sheet.recording_id, sheet.kind, sheet.first, sheet.last from search_sheets as sheet
    where ${onSheet(filter, span)} limit ${most + 1}`.execute(db);
  if (sheets.length > most) return null;
  const sides = kindsOf(filter).flatMap((kind) => {
    const of = sheets.filter((sheet) => sheet.kind === kind);
    return of.length === 0 ? [] : [piecesOn(of, kind, filter, after, span)];
  });
  if (sides.length === 0) return [];
  const { rows } = await sql<PlaceRow>`${sql.join(sides, sql` union all `)}`.execute(db);
  return newestFirst(rows);
}

/**
 * Looks through the pieces that are on no sheet, all that lie behind a place. Null: there are more than
 * `most` of them.
 */
export async function lookThroughLoose(
  db: Db,
  filter: SearchFilter,
  after: SearchPlace,
  most: number,
): Promise<readonly SearchPlace[] | null> {
  const { userId, sessionId, machineId, onlyOf } = filter;
  const whose: RawBuilder<unknown>[] = [];
  const owner = onlyOf ?? userId;
  if (owner !== undefined) whose.push(sql`loose.user_id = ${owner}`);
  if (sessionId !== undefined) whose.push(sql`loose.session_id = ${sessionId}`);
  if (machineId !== undefined) whose.push(sql`loose.machine_id = ${machineId}`);
  const sides = kindsOf(filter).map((kind) => {
    const conditions = [isSearched(kind), isBehind(kind, filter, after, AT)];
    return sql`(select ${sql.lit(kind)}::text as kind, found.* from search_loose as loose
      cross join lateral (
        select entry.id, entry.at, entry.session_id, (${hasWords(filter)}) as matches from ${tableOf(kind)}
        where entry.recording_id = loose.recording_id and entry.number >= loose.${sql.ref(kind)}
          and ${all(conditions)} limit ${most + 1}) as found
      where ${all(whose)} limit ${most + 1})`;
  });
  const { rows } = await sql<PlaceRow & { readonly looked: number | null }>`
    with looked as materialized (${sql.join(sides, sql` union all `)})
    select looked.kind, looked.id, at, null::integer as looked
      from looked join sessions on sessions.id = session_id where matches and ${inSession(filter)}
    union all
    select '', 0, now(), count(*)::integer from looked`.execute(db);
  const looked = rows.find((row) => row.looked !== null)?.looked ?? 0;
  return looked > most ? null : newestFirst(rows.filter((row) => row.looked === null));
}
