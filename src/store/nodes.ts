import { sql } from 'kysely';
import type pg from 'pg';
import type { Logger } from '../domain/log.ts';
import type { NodeStore } from '../domain/nodes.ts';
import { openPostgres } from './postgres.ts';
import type { Db } from './tables.ts';

/** Seconds after which a name whose process gave no sign may be taken by another one. */
const STALE_SECONDS = 3;

/** One for the bus, one for signs of life. */
const CONNECTIONS = 2;

/** Milliseconds. */
const QUERY_DEADLINE = 2000;

/** Connections for what nodes tell each other, which no other work holds up. */
export async function openNodeStore(
  databaseUrl: string,
  log: Logger,
): Promise<{ readonly pool: pg.Pool; readonly nodes: NodeStore; close(): Promise<void> }> {
  const limits = { max: CONNECTIONS, statementMs: QUERY_DEADLINE };
  const { db, pool, close } = await openPostgres(databaseUrl, log, limits);
  return { pool, nodes: new SqlNodeStore(db), close };
}

/** The nodes of one database. Times are compared by the database's clock alone. */
export class SqlNodeStore implements NodeStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async claim(node: string, process: string): Promise<boolean> {
    const taken = await sql`insert into nodes as n (id, process) values (${node}, ${process})
      on conflict (id) do update set process = excluded.process, sign = n.sign + 1, seen_at = now()
        where n.process = excluded.process
          or n.seen_at < now() - make_interval(secs => ${STALE_SECONDS})
      returning id`.execute(this.#db);
    return taken.rows.length > 0;
  }

  async beat(node: string, process: string): Promise<boolean> {
    const result = await this.#db
      .updateTable('nodes')
      .set({ sign: sql<number>`sign + 1`, seen_at: sql<Date>`now()` })
      .where('id', '=', node)
      .where('process', '=', process)
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  async signs(): Promise<ReadonlyMap<string, number | null>> {
    const found = await sql<{ id: string; sign: number | null }>`
      select id, sign from nodes
      union all
      select distinct s.node, null::bigint from sessions s
        where s.status in ('pending', 'active') and s.node not in (select id from nodes)`.execute(
      this.#db,
    );
    return new Map(found.rows.map(({ id, sign }) => [id, sign]));
  }

  async bury(node: string, sign: number | null): Promise<boolean> {
    if (sign !== null) {
      const query = this.#db.deleteFrom('nodes').where('id', '=', node).where('sign', '=', sign);
      return (await query.executeTakeFirst()).numDeletedRows > 0n;
    }
    const query = this.#db.selectFrom('nodes').select('id').where('id', '=', node);
    return (await query.executeTakeFirst()) === undefined;
  }

  async leave(node: string, process: string): Promise<void> {
    const query = this.#db.deleteFrom('nodes').where('id', '=', node);
    await query.where('process', '=', process).execute();
  }
}
