import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { type Connection, columnTypes, kyselyOver } from './connection.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { PgliteEngine } from './pglite-engine.ts';
import { PgliteStream } from './pglite-stream.ts';

/** Milliseconds that a query waits for its turn: there is one backend. */
const TURN_DEADLINE = 10_000;

/** The PostgreSQL that this PGlite is; a data directory belongs to one major version. */
const MAJOR = '18';

/**
 * PGlite in `dataDir` (absolute, made when it is missing), in a worker thread, behind the same driver
 * as a server. Each query has `queryMs`, after which the worker is ended and started again.
 *
 * Throws `store.in_use`, `store.data_dir` or `store.embedded`.
 */
export async function openEmbedded(
  dataDir: string,
  log: Logger,
  { queryMs }: { readonly queryMs: number },
): Promise<Connection> {
  const lock = await lockDataDir(dataDir, log);
  const engine = new PgliteEngine(dataDir, log);
  try {
    refuseOtherMajor(dataDir);
    await engine.ready();
    const pool = createPool(engine);
    pool.on('error', (error) => {
      log.warn('embedded database connection lost', { reason: reasonOf(error) });
    });
    const answer = await pool.query(`select current_setting('server_version') as version`);
    const db = kyselyOver(pool, queryMs);
    const close = async (): Promise<void> => {
      await db.destroy();
      await engine.close();
      await lock.release();
    };
    const description = `embedded PGlite (PostgreSQL ${answer.rows[0]?.version})`;
    return { db, pool, description, close };
  } catch (error) {
    await engine.close();
    await lock.release();
    if (error instanceof PosternError) throw error;
    const reason = reasonOf(error);
    throw new PosternError('store.embedded', { dir: dataDir, reason }, { cause: error });
  }
}

function createPool(engine: PgliteEngine): pg.Pool {
  return new pg.Pool({
    // One backend, so one client; kept, for each new one resets the backend.
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: TURN_DEADLINE,
    types: columnTypes,
    user: 'postgres',
    database: 'postgres',
    password: '',
    ssl: false,
    stream: () => new PgliteStream(engine),
  });
}

function refuseOtherMajor(dataDir: string): void {
  const file = join(dataDir, 'PG_VERSION');
  if (!existsSync(file)) return;
  const found = readFileSync(file, 'utf8').trim();
  if (found === MAJOR) return;
  const reason = `it was made by PostgreSQL ${found}, and this is ${MAJOR}`;
  throw new PosternError('store.embedded', { dir: dataDir, reason });
}
