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

/** OID of int8; our keys and byte counts stay below 2^53. */
const INT8 = 20;

/** Given to our pools alone: the driver's own table of types is everybody's. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format),
};

/** Kysely over a pool; each query has `deadlineMs`. */
export function kyselyOver(pool: pg.Pool, deadlineMs: number): Db {
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: boundedPool(pool, deadlineMs) }),
  });
}
