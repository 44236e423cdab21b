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
import type { Db } from './tables.ts';

/** A part of the texts, by their time, that was looked through. */
export interface Window {
  /** Those that have the words, newest first. */
  readonly matching: readonly SearchPlace[];
  /** The oldest text that was looked at; null: behind it is nothing. */
  readonly last: SearchPlace | null;
  /** Over which it went. */
  readonly seconds: number;
}

interface LookedRow extends PlaceRow {
  /** Null: it has the words; else this is the oldest, and that many seconds older than the newest, */
  readonly seconds: number | null;
  /** of so many that were looked at. */
  readonly looked: number | null;
}

/**
 * Looks through the newest `rows` texts behind a place, in the order of time: of the session, user or
 * machine that is asked for, and of no other. So what it costs depends on these texts alone.
 */
export async function lookThrough(
  db: Db,
  filter: SearchFilter,
  after: SearchPlace | null,
  rows: number,
): Promise<Window> {
  const sides = kindsOf(filter).map((kind) => {
    const { order, bounds } = wayOf(filter, after);
    const behind = isBehind(kind, filter, after, sql`entry.at`);
    return sql`(select ${sql.lit(kind)}::text as kind, entry.id, entry.at, entry.session_id,
        (${hasWords(filter)}) as matches
      from ${tableOf(kind)} where ${all([isSearched(kind), ...bounds, behind])}
      order by ${order} limit ${rows})`;
  });
  const found = await sql<LookedRow>`
    with looked as materialized (
      select * from (${sql.join(sides, sql` union all `)}) as every
      order by at desc, kind desc, id desc limit ${rows})
    (select looked.kind, looked.id, looked.at, null::float8 as seconds,
        null::integer as looked
      from looked join sessions on sessions.id = looked.session_id
      where matches and ${inSession(filter)})
    union all
    (select kind, id, at, extract(epoch from (select max(at) from looked) - at)::float8,
        (select count(*) from looked)::integer
      from looked order by at, kind, id limit 1)`.execute(db);
  const last = found.rows.find((row) => row.seconds !== null);
  return {
    matching: newestFirst(found.rows.filter((row) => row.seconds === null)),
    last: last === undefined || last.looked !== rows ? null : placeOf(last),
    seconds: last?.seconds ?? 0,
  };
}

function placeOf({ kind, id, at }: PlaceRow): SearchPlace {
  return { kind, id, at };
}

/** In which order texts are read, and between which places of it. */
interface Way {
  readonly order: RawBuilder<unknown>;
  readonly bounds: readonly RawBuilder<unknown>[];
}

/**
 * An owner's texts are asked for as a part of the index that has all owners in order, and in that order:
 * an owner that is said to be equal would let the planner read everybody's by time, and leave out what
 * is not the owner's.
 */
function wayOf(filter: SearchFilter, after: SearchPlace | null): Way {
  const [owner] = ownersOf(filter);
  if (owner === undefined) return { order: sql`entry.at desc, entry.id desc`, bounds: [] };
  const [name, id] = owner;
  const column = sql.ref(`entry.${name}`);
  const bound = (at: Date | undefined, otherwise: string) =>
    sql`(${id}::bigint, ${at ?? otherwise}::timestamptz)`;
  return {
    order: sql`${column} desc, entry.at desc, entry.id desc`,
    bounds: [
      sql`(${column}, entry.at) >= ${bound(filter.from, '-infinity')}`,
      sql`(${column}, entry.at) <= ${bound(after?.at ?? filter.to, 'infinity')}`,
    ],
  };
}

/** Whether the session is this user's. */
export async function isSessionOf(db: Db, sessionId: number, userId: number): Promise<boolean> {
  const row = await db
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', sessionId)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  return row !== undefined;
}
