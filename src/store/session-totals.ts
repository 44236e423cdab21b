import { sql } from 'kysely';
import type { SessionTotals } from '../domain/session.ts';
import type { Db } from './tables.ts';

const TOP = 10;

/** Of sessions started in [from, to), a live one having lasted until now; of recordings that failed in it. */
export async function totals(db: Db, from: Date, to: Date): Promise<SessionTotals> {
  const started = sql`started_at >= ${from}::timestamptz and started_at < ${to}::timestamptz`;
  const whole = await sql<{ sessions: number; seconds: number; users: number }>`
    select
      count(*) as sessions,
      coalesce(sum(greatest(0, extract(epoch from
        coalesce(ended_at, ${new Date()}::timestamptz) - started_at))), 0)::float8 as seconds,
      count(distinct coalesce(user_id::text, 'removed ' || user_name)) as users
    from sessions where ${started}`.execute(db);
  const machines = await sql<{ machine_id: number | null; name: string; sessions: number }>`
    select
      machine_id,
      (array_agg(machine_name order by id desc))[1] as name,
      count(*) as sessions
    from sessions where ${started}
    group by machine_id, case when machine_id is null then machine_name end
    order by sessions desc, name
    limit ${TOP}`.execute(db);
  const failed = await sql<{ policy: string | null; recordings: number }>`
    select detail->>'policy' as policy, count(*) as recordings from audit
    where type = 'recording.failed' and at >= ${from}::timestamptz and at < ${to}::timestamptz
    group by 1`.execute(db);
  const failedUnder = (policy: string): number =>
    failed.rows.find((one) => one.policy === policy)?.recordings ?? 0;
  const row = whole.rows[0];
  return {
    totalSessions: row?.sessions ?? 0,
    totalDurationSeconds: row?.seconds ?? 0,
    uniqueUsers: row?.users ?? 0,
    failedRecordings: {
      required: failedUnder('required'),
      best_effort: failedUnder('best_effort'),
    },
    topMachines: machines.rows.map((machine) => ({
      machineId: machine.machine_id,
      name: machine.name,
      sessions: machine.sessions,
    })),
  };
}
