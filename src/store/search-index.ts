import { sql } from 'kysely';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Db } from './tables.ts';

const INDEXES = ['commands_folded', 'transcript_blocks_folded'] as const;

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
      for (const index of INDEXES) {
        const table = index.slice(0, -'_folded'.length);
        // What waits to be put into a GIN index is read through by each search.
        await sql`create index if not exists ${sql.ref(index)} on ${sql.ref(table)}
          using gin (folded gin_trgm_ops) with (fastupdate = off)`.execute(work);
      }
    });
  } catch (error) {
    log.warn('search has no index and reads all text: let the database have pg_trgm', {
      reason: reasonOf(error),
      try: 'create extension pg_trgm',
    });
  }
}

export async function hasSearchIndexes(db: Db): Promise<boolean> {
  const names = INDEXES.map((name) => sql`to_regclass(${name}::text)`);
  const { rows } = await sql<{ there: boolean }>`
    select num_nulls(${sql.join(names)}) = 0 as there`.execute(db);
  return rows[0]?.there === true;
}
