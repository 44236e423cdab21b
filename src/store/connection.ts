import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { boundedPool } from './bounded-pool.ts';
import type { Db, Tables } from './tables.ts';

/** A way to one database, whichever kind. */
export interface Connection {
  readonly db: Db;
  readonly pool: pg.Pool;
  /** As Store's. */
  readonly description: string;
  close(): Promise<void>;
}

/** OIDs; our keys and byte counts stay below 2^53. */
const INT8 = 20;
const INT8_ARRAY = 1016;
const INT4_ARRAY = 1007;

/** Given to our pools alone: the driver's own table of types is everybody's. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8 && format !== 'binary') return Number;
    return pg.types.getTypeParser(oid === INT8_ARRAY ? INT4_ARRAY : oid, format);
  },
};

/** Kysely over a pool; each query has `deadlineMs`. */
export function kyselyOver(pool: pg.Pool, deadlineMs: number): Db {
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: boundedPool(pool, deadlineMs) }),
  });
}
