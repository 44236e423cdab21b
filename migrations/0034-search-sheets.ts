import { type Kysely, sql } from 'kysely';

/**
 * Sheets, which search looks texts up by: a few pieces of one recording each, with keys for what they hold
 * (store/search-keys.ts). What is recorded already is loose: it is put on sheets while Postern runs
 * (store/search-sheets.ts). Trigrams are needed no more, nor the extension for them.
 */
const STATEMENTS = [
  `create table search_sheets (
    id bigint generated always as identity primary key,
    recording_id bigint not null references recordings on delete cascade,
    user_id bigint,
    kind text not null check (kind in ('command', 'output')),
    first integer not null,
    last integer not null,
    keys integer[] not null,
    unique (recording_id, kind, first)
  )`,
  // Hashes: they cannot be compressed, and nothing is to be learned by counting them.
  'alter table search_sheets alter column keys set storage external, alter column keys set statistics 0',
  // Each key once for everybody and once for its user: those of one user are an interval.
  `create function search_keys(keys integer[], user_id bigint) returns bigint[]
    language sql immutable parallel safe as $$
      select coalesce(array_agg(owner * 4294967296 + key), '{}')
      from unnest(array[0, user_id]) as owner, unnest(keys) as key where owner is not null
    $$`,
  `create index search_sheets_keys on search_sheets using gin (search_keys(keys, user_id))
    with (fastupdate = off)`,
  'alter index search_sheets_keys alter column 1 set statistics 0',
  `create table search_loose (
    recording_id bigint primary key references recordings on delete cascade,
    session_id bigint not null,
    user_id bigint,
    machine_id bigint,
    command integer not null default 0,
    output integer not null default 0
  )`,
  'create index search_loose_user on search_loose (user_id)',
  `insert into search_loose (recording_id, session_id, user_id, machine_id)
    select recordings.id, sessions.id, sessions.user_id, sessions.machine_id
    from recording_analyses join recordings on recordings.id = recording_id
    join sessions on sessions.id = session_id`,
  'drop index if exists commands_words, transcript_blocks_words',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
