import { sql } from 'kysely';
import type { SessionTotals } from '../domain/session.ts';
import type { Db } from './tables.ts';

const TOP = 10;

/** A machine, or none, and what all have together. */
interface Row {
  readonly machine_id: number | null;
  readonly name: string | null;
  readonly sessions: number | null;
  readonly all_sessions: number;
  readonly seconds: number;
  readonly users: number;
}

/** Of sessions started in [from, to), a live one having lasted until now; of recordings that failed in it. */
export async function totals(db: Db, from: Date, to: Date): Promise<SessionTotals> {
  // Read once, and hashed by users and machines alone: there may be many. Of users and machines that were
  // removed only the names are left, and text would have to be sorted; those rows have an index of their own.
  const begun = sql`started_at >= ${from}::timestamptz and started_at < ${to}::timestamptz`;
  const added = sql`max(id) as newest, count(*) as sessions,
    sum(greatest(interval '0', coalesce(ended_at, ${new Date()}::timestamptz) - started_at)) as lasted`;
  const { rows } = await sql<Row>`
    with counted as materialized (
      select user_id, null as removed_user, machine_id, null as removed_machine, ${added}
      from sessions
      where ${begun} and user_id is not null and machine_id is not null
      group by user_id, machine_id
      union all
      select user_id, case when user_id is null then user_name end,
        machine_id, case when machine_id is null then machine_name end, ${added}
      from sessions
      where ${begun} and (user_id is null or machine_id is null)
      group by 1, 2, 3, 4
    ), top as (
      select machine_id, removed_machine, max(newest) as newest, sum(sessions)::bigint as sessions
      from counted group by 1, 2 order by 4 desc, 3 limit ${TOP}
    )
    select top.machine_id, newest.machine_name as name, top.sessions,
      whole.sessions as all_sessions, whole.seconds, whole.users
    from (
      select coalesce(sum(sessions), 0)::bigint as sessions, coalesce(extract(epoch from sum(lasted)), 0)::float8 as seconds,
        (select count(*) from (select distinct user_id, removed_user from counted) as users) as users
      from counted
    ) as whole
    left join top on true
    left join sessions as newest on newest.id = top.newest
    order by top.sessions desc nulls last, name`.execute(db);
  const failed = await sql<{ policy: string | null; recordings: number }>`
    select detail->>'policy' as policy, count(*) as recordings from audit
    where type = 'recording.failed' and at >= ${from}::timestamptz and at < ${to}::timestamptz
    group by 1`.execute(db);
  const failedUnder = (policy: string): number =>
    failed.rows.find((one) => one.policy === policy)?.recordings ?? 0;
  const row = rows[0];
  return {
    totalSessions: row?.all_sessions ?? 0,
    totalDurationSeconds: row?.seconds ?? 0,
    uniqueUsers: row?.users ?? 0,
    failedRecordings: {
      required: failedUnder('required'),
      best_effort: failedUnder('best_effort'),
    },
    topMachines: rows.flatMap(({ machine_id: machineId, name, sessions }) =>
      name === null || sessions === null ? [] : [{ machineId, name, sessions }],
    ),
  };
}
