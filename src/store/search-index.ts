import { type RawBuilder, sql } from 'kysely';
import { type Logger, reasonOf } from '../domain/log.ts';
import { isSearched, SEARCHED_TABLES } from './search-conditions.ts';
import { keysOf } from './search-keys.ts';
import type { Db } from './tables.ts';

const NAMES = [
  ...Object.values(SEARCHED_TABLES).map((table) => `${table}_words`),
  'sessions_found',
];

/** Which lists of sessions are searched by; store/sessions.ts looks in the same. */
const SESSIONS = sql`create index if not exists sessions_found on sessions using gin (user_name gin_trgm_ops,
  machine_name gin_trgm_ops, login gin_trgm_ops, ip_address gin_trgm_ops) with (fastupdate = off)`;

/**
 * Makes the trigram indexes that search uses, where the server has pg_trgm and lets us. Not a
 * migration: where it is not possible, search reads the text itself, and the next start tries again.
 */
export async function makeSearchIndexes(db: Db, log: Logger): Promise<void> {
  try {
    if (await hasSearchIndexes(db)) return;
    await db.transaction().execute(async (work) => {
      // Two nodes may start at once.
      await sql`select pg_advisory_xact_lock(hashtext('postern search indexes'))`.execute(work);
      await sql`create extension if not exists pg_trgm`.execute(work);
      for (const statement of [...searchIndexes(), SESSIONS]) await statement.execute(work);
    });
  } catch (error) {
    log.warn('search has no index and reads all text: let the database have pg_trgm', {
      reason: reasonOf(error),
      try: 'create extension pg_trgm',
    });
  }
}

/** What makes them. */
export function searchIndexes(): readonly RawBuilder<unknown>[] {
  return (['command', 'output'] as const).map((kind) => {
    const table = SEARCHED_TABLES[kind];
    // What waits to be put into a GIN index is read through by each search.
    return sql`create index if not exists ${sql.ref(`${table}_words`)} on ${sql.ref(table)}
      using gin (folded gin_trgm_ops, ${keysOf(table)}) with (fastupdate = off)
      where ${isSearched(kind, table)}`;
  });
}

export async function hasSearchIndexes(db: Db): Promise<boolean> {
  const names = NAMES.map((name) => sql`to_regclass(${name}::text)`);
  const { rows } = await sql<{ there: boolean }>`
    select num_nulls(${sql.join(names)}) = 0 as there`.execute(db);
  return rows[0]?.there === true;
}
