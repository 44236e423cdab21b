import { type Kysely, sql } from 'kysely';

/**
 * What raises an alert, and what was raised: once for a rule, a recording and a minute of it. An
 * alert's row goes with its recording; its audit event stays. `seal_sinks` keeps what sinks of alerts
 * have taken as well.
 */
const STATEMENTS = [
  `create table alert_rules (
    id bigint generated always as identity primary key,
    name text not null unique,
    pattern text not null,
    kind text check (kind in ('command', 'output')),
    machine_id bigint references machines on delete cascade,
    group_id bigint references groups on delete cascade,
    created_at timestamptz not null default now(),
    check (num_nonnulls(machine_id, group_id) <= 1)
  )`,
  `create table alerts (
    id bigint generated always as identity primary key,
    rule_id bigint not null,
    rule_name text not null,
    recording_id bigint not null references recordings on delete cascade,
    node text not null,
    kind text not null check (kind in ('command', 'output')),
    minute integer not null,
    second double precision not null,
    at timestamptz not null default now(),
    unique (rule_id, recording_id, minute)
  )`,
  'create index alerts_of_node on alerts (node, id)',
  'alter table grants add column end_on_alert boolean not null default false',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
