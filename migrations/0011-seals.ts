import { type Kysely, sql } from 'kysely';

/**
 * What proves recordings: the seals of their parts and the keys that these were signed with. A key
 * outlives its node. `tampered_at`: when checking a recording first found it changed.
 */
const STATEMENTS = [
  `create table sealing_keys (
    id text primary key,
    public_pem text not null,
    created_at timestamptz not null default now()
  )`,

  `create table recording_seals (
    recording_id bigint not null references recordings on delete cascade,
    part integer not null check (part > 0),
    end_offset bigint not null,
    hash text not null,
    line text not null,
    primary key (recording_id, part)
  )`,

  'alter table recordings add column recorded_bytes bigint',
  'alter table recordings add column tampered_at timestamptz',
  'alter table recordings drop constraint recordings_state_check',
  `alter table recordings add constraint recordings_state_check check (state in
    ('recording', 'complete', 'recovered', 'truncated', 'gap', 'tampered', 'failed'))`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
