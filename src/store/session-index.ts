import { sql } from 'kysely';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Db } from './tables.ts';

/** Which lists of sessions are searched by; store/sessions.ts looks in it. */
const SESSIONS = sql`create index if not exists sessions_found on sessions using gin (user_name gin_trgm_ops,
  machine_name gin_trgm_ops, login gin_trgm_ops, ip_address gin_trgm_ops) with (fastupdate = off)`;

/**
 * Makes the trigram index that searching in the list of sessions uses, where the server has pg_trgm and
 * lets us. Not a migration: where it is not possible, the list is read through, and the next start
 * tries again. What recordings hold is searched without it: store/search.ts.
 */
export async function makeSessionIndex(db: Db, log: Logger): Promise<void> {
  try {
    if (await hasSessionIndex(db)) return;
    await db.transaction().execute(async (work) => {
      // Two nodes may start at once.
      await sql`select pg_advisory_xact_lock(hashtext('postern search indexes'))`.execute(work);
      await sql`create extension if not exists pg_trgm`.execute(work);
      await SESSIONS.execute(work);
    });
  } catch (error) {
    log.warn('search in the list of sessions has no index: let the database have pg_trgm', {
      reason: reasonOf(error),
      try: 'create extension pg_trgm',
    });
  }
}

async function hasSessionIndex(db: Db): Promise<boolean> {
  const { rows } = await sql<{ there: boolean }>`
    select to_regclass('sessions_found') is not null as there`.execute(db);
  return rows[0]?.there === true;
}
