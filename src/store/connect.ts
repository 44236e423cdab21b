import { join } from 'node:path';
import type { Logger } from '../domain/log.ts';
import type { Connection } from './connection.ts';
import { openEmbedded } from './embedded.ts';
import { openPostgres } from './postgres.ts';

/** Where the database is and who is told of its state. */
export interface DatabaseOptions {
  /** Null: embedded PGlite under `dataDir`. */
  readonly databaseUrl: string | null;
  /** Absolute; PGlite lives in its `pglite`. */
  readonly dataDir: string;
  readonly log: Logger;
}

/** Milliseconds a query may take. */
const QUERY_DEADLINE = 15_000;
/** A migration may rewrite a large table, and waits for a node that is migrating. */
const MIGRATION_DEADLINE = 600_000;

const CONNECTIONS = 10;

/** For the work of a node. Throws what openPostgres and openEmbedded throw. */
export function connect(options: DatabaseOptions): Promise<Connection> {
  return open(options, CONNECTIONS, QUERY_DEADLINE);
}

/** For migrations alone: one connection that may wait long. */
export function connectToMigrate(options: DatabaseOptions): Promise<Connection> {
  return open(options, 1, MIGRATION_DEADLINE);
}

function open(
  { databaseUrl, dataDir, log }: DatabaseOptions,
  max: number,
  queryMs: number,
): Promise<Connection> {
  return databaseUrl === null
    ? openEmbedded(join(dataDir, 'pglite'), log, { queryMs })
    : openPostgres(databaseUrl, log, { max, statementMs: queryMs });
}
