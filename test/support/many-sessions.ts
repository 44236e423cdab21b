import type pg from 'pg';

const USERS = 200;
const MACHINES = 500;

/** Over the year that ends with the first argument of the statements. */
const YEAR = `interval '365 days'`;

const PEOPLE = [
  `insert into users (name, role)
    select 'user' || n, 'member' from generate_series(1, ${USERS}) n on conflict do nothing`,
  `insert into machines (name, kind, host, port, login, auth_type, host_key_policy, recording, tags, description)
    select 'machine' || n, 'ssh', 'host' || n || '.example.org', 22, 'deploy', 'none', 'accept-new', 'required', '{}', ''
    from generate_series(1, ${MACHINES}) n on conflict do nothing`,
] as const;

/** $1: the end of the year; $2: how many. Ids go up with time; the newest sixty live. */
const SESSIONS = `insert into sessions (user_id, user_name, machine_id, machine_name, machine_host, login, kind, status,
    node, started_at, last_activity, ended_at, end_reason, ip_address, user_agent, bytes_in, bytes_out)
  select u.id, u.name, m.id, m.name, m.host, 'deploy',
    (array['shell', 'shell', 'exec', 'exec', 'exec', 'sftp', 'forward', 'web'])[n % 8 + 1],
    case when n > $2 - 60 then 'active' when n % 37 = 0 then 'failed' else 'stopped' end,
    'node-' || n % 3, t, t, case when n > $2 - 60 then null else t + (n % 3600) * interval '1 second' end,
    case when n > $2 - 60 then null when n % 37 = 0 then 'machine_unreachable' else 'client_closed' end,
    '10.' || n % 200 || '.' || n % 251 || '.' || n % 241, 'SSH-2.0-OpenSSH_9.2', n % 5000, n % 90000
  from generate_series(1, $2::bigint) n
  cross join lateral (select $1::timestamptz - ${YEAR} + ${YEAR} * (n::float8 / $2) as t) at
  join users u on u.name = 'user' || (n * 7 % ${USERS} + 1)
  join machines m on m.name = 'machine' || (n * 13 % ${MACHINES} + 1)
  order by n`;

/** $1, $2: as above; $3: how many events, spread over the sessions that are there. */
const AUDIT = `insert into audit (at, type, actor, user_id, machine_id, session_id, source, detail)
  select s.started_at + (n % 5) * interval '1 second',
    case n % 5 when 0 then 'session.started' when 1 then 'session.ended' when 2 then 'auth.succeeded'
      when 3 then case when n % 100000 = 3 then 'recording.failed' else 'channel.opened' end
      else case when n % 1000 = 4 then 'auth.failed' else 'transfer.summary' end end,
    s.user_name, s.user_id, s.machine_id, s.id, s.ip_address, '{"policy": "required", "login": "deploy"}'
  from generate_series(0, $3::bigint - 1) n
  join sessions s on s.id = (select min(id) from sessions) + (n::float8 * $2 / $3)::bigint
  where $1::timestamptz is not null
  order by n`;

/**
 * Fills a migrated PostgreSQL, with no sessions in it yet, with a year of sessions of 200 users on 500
 * machines, and the audit of them. Its indexes are made when the rows are there: a million sessions with
 * five million events take minutes instead of an hour.
 */
export async function fillWithSessions(
  client: pg.ClientBase,
  { sessions, events, until }: { sessions: number; events: number; until: Date },
): Promise<void> {
  await client.query('begin');
  await client.query(`set local statement_timeout = 0; set local work_mem = '256MB';
    set local maintenance_work_mem = '512MB'; set local session_replication_role = replica`);
  for (const statement of PEOPLE) await client.query(statement);
  const { rows } = await client.query<{ readonly name: string; readonly made: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as made from pg_index
      where indrelid in ('sessions'::regclass, 'audit'::regclass) and not indisprimary and not indisunique`,
  );
  for (const { name } of rows) await client.query(`drop index ${name}`);
  await client.query(SESSIONS, [until, sessions]);
  await client.query('analyze sessions');
  await client.query(AUDIT, [until, sessions, events]);
  for (const { made } of rows) await client.query(made);
  await client.query('commit');
  // What a running server does by itself, in its time.
  await client.query('vacuum (analyze) sessions, audit, users, machines');
}
