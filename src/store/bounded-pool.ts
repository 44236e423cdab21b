import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';
import { PosternError } from '../domain/errors.ts';
import { translated } from './failure.ts';
import { storableValue } from './storable.ts';

/** Callers that may wait for a client; each waits no longer than the pool's own deadline. */
const MOST_WAITING = 1000;
/** How many deadlines long a client may be held: a transaction that forgets to end ends. */
const HOLD = 4;

/**
 * A pool as Kysely wants it, over one of `pg`, that gives each query a deadline of `deadlineMs` on
 * our side of the wire (a dead network says nothing, PGlite knows no statement_timeout) and each
 * transaction four times that, and turns failures of the connection into PosternError `store.down`.
 */
export function boundedPool(pool: pg.Pool, deadlineMs: number): PostgresPool {
  return {
    options: pool.options,
    async connect() {
      if (pool.waitingCount >= MOST_WAITING) throw new PosternError('store.down');
      try {
        return new BoundedClient(await pool.connect(), deadlineMs);
      } catch (error) {
        throw translated(error);
      }
    },
    end: () => pool.end(),
  };
}

/** The driver says no more than that it is a string. */
type Command = PostgresQueryResult<unknown>['command'];

class BoundedClient implements PostgresPoolClient {
  readonly #client: pg.PoolClient;
  readonly #deadlineMs: number;
  readonly #hold: NodeJS.Timeout;
  #released = false;

  constructor(client: pg.PoolClient, deadlineMs: number) {
    this.#client = client;
    this.#deadlineMs = deadlineMs;
    client.on('error', this.#heard);
    const held = (): void => this.#giveBack(new Error('held for too long'));
    this.#hold = setTimeout(held, deadlineMs * HOLD).unref();
  }

  query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(
    sql: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof sql !== 'string')
      throw new TypeError('no cursors here: they would have no deadline');
    return this.#query(sql, parameters);
  }

  release(destroy?: boolean): void {
    this.#giveBack(destroy === true ? new Error('discarded') : undefined);
  }

  // Without a listener a connection that breaks between two queries of a transaction would end the
  // process; here the next query fails instead.
  readonly #heard = (): void => undefined;

  async #query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    if (this.#released) throw new PosternError('store.down');
    const expired = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new Error(`no answer within ${this.#deadlineMs} ms`);
      expired.reject(error);
      // A client that is given back with an error is closed at once, and its query with it.
      this.#giveBack(error);
    }, this.#deadlineMs);
    const answer = this.#client.query(sql, parameters.map(storableValue));
    try {
      const { command, rowCount, rows } = await Promise.race([answer, expired.promise]);
      return { command: command as Command, rowCount: rowCount ?? 0, rows };
    } catch (error) {
      throw translated(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #giveBack(error: Error | undefined): void {
    if (this.#released) return;
    this.#released = true;
    clearTimeout(this.#hold);
    this.#client.release(error);
    this.#client.off('error', this.#heard);
  }
}
