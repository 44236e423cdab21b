import { sql } from 'kysely';
import type { ActiveCounts, CountedSession, CountStore, DayCounts } from '../domain/counters.ts';
import type { Db } from './tables.ts';

/** Of each user on each machine; null: removed since. */
interface Row {
  readonly user_id: number | null;
  readonly machine_id: number | null;
  readonly sessions: number;
}

const COLUMNS = [
  'id',
  'user_id',
  'machine_id',
  'started_at',
  'status',
  'bytes_in',
  'bytes_out',
] as const;

/** Counted where sessions are written, each time that somebody asks. */
export class SqlCountStore implements CountStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async active(): Promise<ActiveCounts> {
    const { rows } = await sql<Row>`
      select user_id, machine_id, count(*) as sessions from sessions
      where status in ('pending', 'active') group by user_id, machine_id`.execute(this.#db);
    return countsOf(rows);
  }

  async day(day: string): Promise<DayCounts> {
    const start = new Date(`${day}T00:00:00Z`);
    const { rows } = await sql<Row & Record<'failed' | 'bytes_in' | 'bytes_out', number>>`
      select user_id, machine_id, count(*) as sessions,
        count(*) filter (where status = 'failed') as failed,
        coalesce(sum(bytes_in) filter (where ended_at is not null), 0)::bigint as bytes_in,
        coalesce(sum(bytes_out) filter (where ended_at is not null), 0)::bigint as bytes_out
      from sessions
      where started_at >= ${start}::timestamptz and started_at < ${start}::timestamptz + interval '24 hours'
      group by user_id, machine_id`.execute(this.#db);
    const sum = (key: 'failed' | 'bytes_in' | 'bytes_out') =>
      rows.reduce((total, row) => total + row[key], 0);
    return {
      ...countsOf(rows),
      failed: sum('failed'),
      bytesIn: sum('bytes_in'),
      bytesOut: sum('bytes_out'),
    };
  }

  async live(): Promise<readonly CountedSession[]> {
    const rows = await this.#db
      .selectFrom('sessions')
      .select(COLUMNS)
      .where(sql<boolean>`status in ('pending', 'active')`)
      .execute();
    return rows.map(toCounted);
  }

  async startedSince(
    ...[since, after, limit]: Parameters<CountStore['startedSince']>
  ): Promise<readonly CountedSession[]> {
    const place = after ?? { startedAt: since, id: 0 };
    const rows = await this.#db
      .selectFrom('sessions')
      .select(COLUMNS)
      .where(
        sql<boolean>`(started_at, id) > (${place.startedAt}::timestamptz, ${place.id}::bigint)`,
      )
      .orderBy('started_at')
      .orderBy('id')
      .limit(limit)
      .execute();
    return rows.map(toCounted);
  }
}

function toCounted(row: {
  readonly id: number;
  readonly user_id: number | null;
  readonly machine_id: number | null;
  readonly started_at: Date;
  readonly status: CountedSession['status'];
  readonly bytes_in: number;
  readonly bytes_out: number;
}): CountedSession {
  return {
    id: row.id,
    userId: row.user_id,
    machineId: row.machine_id,
    startedAt: row.started_at,
    status: row.status,
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
  };
}

function countsOf(rows: readonly Row[]): ActiveCounts {
  const [byUser, byMachine] = [summed(rows, 'user_id'), summed(rows, 'machine_id')];
  const sessions = rows.reduce((total, row) => total + row.sessions, 0);
  return { sessions, users: Object.keys(byUser).length, byUser, byMachine };
}

function summed(rows: readonly Row[], key: 'user_id' | 'machine_id'): Record<number, number> {
  const sums: Record<number, number> = {};
  for (const row of rows) sums[row[key] ?? 0] = (sums[row[key] ?? 0] ?? 0) + row.sessions;
  return sums;
}
