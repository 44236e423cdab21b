import { type Kysely, sql } from 'kysely';

/**
 * Stacks; the machines that their services are; the sessions that were made for a container, with what
 * lets their users in; and the actions that make them. `id` of such a session is the session's.
 */
const STATEMENTS = [
  `create table stacks (
    id bigint generated always as identity primary key,
    uid text not null unique,
    name text not null unique,
    kind text not null check (kind in ('container', 'server')),
    engine text,
    project text not null,
    stack_label text not null,
    service_label text not null,
    login text not null,
    recording text not null check (recording in ('required', 'best_effort', 'off')),
    session_limit integer not null check (session_limit > 0),
    over_limit text not null check (over_limit in ('evict-oldest', 'reject')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    check ((kind = 'container') = (engine is not null))
  )`,

  `alter table machines
    add column stack_id bigint references stacks on delete cascade,
    add column service text,
    add check (num_nonnulls(stack_id, service) in (0, 2)),
    add unique (stack_id, service)`,

  `alter table grants
    add column stack_id bigint references stacks on delete cascade,
    drop constraint grants_check1,
    add constraint grants_on check (num_nonnulls(machine_id, tag_key, stack_id) = 1)`,
  'create index grants_stack on grants (stack_id)',

  `create table container_sessions (
    id bigint primary key references sessions on delete cascade,
    stack_id bigint references stacks on delete set null,
    service text not null,
    container_id text,
    container_name text not null default '',
    code text not null,
    password text,
    expires_at timestamptz not null,
    joined_at timestamptz
  )`,
  'create index container_sessions_service on container_sessions (stack_id, service, id desc)',
  'create index container_sessions_waiting on container_sessions (expires_at) where joined_at is null',

  `create table stack_actions (
    id bigint generated always as identity primary key,
    user_id bigint references users on delete set null,
    user_name text not null,
    stack_id bigint references stacks on delete cascade,
    session_id bigint references sessions on delete set null,
    action text not null,
    status text not null default 'pending'
      check (status in ('pending', 'running', 'completed', 'failed')),
    message text,
    node text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    updated_at timestamptz not null,
    check ((status in ('completed', 'failed')) = (finished_at is not null))
  )`,
  'create index stack_actions_open on stack_actions (node) where finished_at is null',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
