import pg from 'pg';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { type Connection, columnTypes, kyselyOver } from './connection.ts';

/** Milliseconds. */
const CONNECT_DEADLINE = 10_000;
const IDLE_DEADLINE = 30_000;
/** How much longer than the server's own limit we wait for its word. */
const GRACE = 5_000;

const OLDEST = 130_000;

/**
 * A pool on a PostgreSQL server, at most `max` connections, each query at most `statementMs`.
 *
 * Throws `store.url`, `store.unreachable` or `store.version`; none of them holds the password.
 */
export async function openPostgres(
  databaseUrl: string,
  log: Logger,
  { max, statementMs }: { readonly max: number; readonly statementMs: number },
): Promise<Connection> {
  const where = withoutSecrets(databaseUrl);
  const pool = createPool(databaseUrl, max, statementMs, where);
  pool.on('error', (error) => {
    log.warn('idle database connection lost', { where, reason: reasonOf(error) });
  });
  try {
    const description = await describe(pool, where);
    const db = kyselyOver(pool, statementMs + GRACE);
    return { db, pool, description, close: () => db.destroy() };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

function createPool(url: string, max: number, statementMs: number, where: string): pg.Pool {
  try {
    return new pg.Pool({
      connectionString: url,
      max,
      types: columnTypes,
      application_name: 'postern',
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_DEADLINE,
      idleTimeoutMillis: IDLE_DEADLINE,
      statement_timeout: statementMs,
      idle_in_transaction_session_timeout: IDLE_DEADLINE,
    });
  } catch (error) {
    throw unreachable(where, error);
  }
}

async function describe(pool: pg.Pool, where: string): Promise<string> {
  let row: { readonly number: string; readonly version: string } | undefined;
  try {
    const answer = await pool.query(
      `select current_setting('server_version_num') as number,
         current_setting('server_version') as version`,
    );
    row = answer.rows[0];
  } catch (error) {
    throw unreachable(where, error);
  }
  const found = `PostgreSQL ${row?.version.split(' ')[0] ?? 'of an unknown version'}`;
  if (Number(row?.number) >= OLDEST) return found;
  throw new PosternError('store.version', { where, found });
}

/** `postgres://user@host:5432/name`: no password, no parameters. */
function withoutSecrets(databaseUrl: string): string {
  const url = URL.parse(databaseUrl);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) throw new PosternError('store.url');
  const user = url.username === '' ? '' : `${url.username}@`;
  return `${url.protocol}//${user}${url.host}${url.pathname}`;
}

function unreachable(where: string, cause: unknown): PosternError {
  return new PosternError('store.unreachable', { where, reason: plainReason(cause) }, { cause });
}

/** Node reports a host with several addresses as an AggregateError without a message. */
function plainReason(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === '') {
    return cause.errors.map(reasonOf).join(', ');
  }
  return reasonOf(cause);
}
