import { type Kysely, sql } from 'kysely';

/**
 * What was done in recorded sessions, as it was read off the recordings: derived, and deleted with
 * them. `starts`, `ends`, `from_s` and `to_s` are seconds after the recording's start; `at` is from the
 * clock.
 */
const STATEMENTS = [
  `create table recording_analyses (
    recording_id bigint primary key references recordings on delete cascade,
    state text not null default 'waiting'
      check (state in ('waiting', 'running', 'done', 'failed')),
    version integer not null default 0,
    reason text,
    changed_at timestamptz not null default now()
  )`,
  `create index recording_analyses_due on recording_analyses (recording_id)
    where state in ('waiting', 'running')`,
  `insert into recording_analyses (recording_id)
    select id from recordings where state not in ('failed', 'deleted')`,
  `create table commands (
    id bigint generated always as identity primary key,
    recording_id bigint not null references recordings on delete cascade,
    session_id bigint not null references sessions on delete cascade,
    channel integer not null,
    number integer not null,
    at timestamptz not null,
    starts double precision not null,
    ends double precision,
    body text not null,
    exit_status bigint,
    cwd text,
    source text not null check (source in ('exec', 'osc133', 'osc633', 'screen')),
    confidence text not null check (confidence in ('exact', 'likely', 'guess')),
    unique (recording_id, number)
  )`,
  'create index commands_session on commands (session_id, channel, at)',
  `create table transcript_blocks (
    id bigint generated always as identity primary key,
    recording_id bigint not null references recordings on delete cascade,
    session_id bigint not null references sessions on delete cascade,
    channel integer not null,
    number integer not null,
    at timestamptz not null,
    from_s double precision not null,
    to_s double precision not null,
    body text not null,
    stream text not null check (stream in ('terminal', 'stdout', 'stderr')),
    kind text not null check (kind in ('output', 'prompt', 'screen')),
    unique (recording_id, number)
  )`,
  'create index transcript_blocks_session on transcript_blocks (session_id, channel, at)',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
