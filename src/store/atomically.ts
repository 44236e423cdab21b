import type { Db } from './tables.ts';

/** Runs `work` in a transaction: the one that `db` is, else one of its own. */
export async function atomically<T>(db: Db, work: (db: Db) => Promise<T>): Promise<T> {
  return db.isTransaction ? await work(db) : await db.transaction().execute(work);
}
