import { type Kysely, sql } from 'kysely';

/**
 * How long recordings are kept: a machine's own retention (seconds; 0: for ever; null: as the node's
 * setting says), legal holds, and what is left of a recording that was deleted.
 */
const STATEMENTS = [
  'alter table machines add column retention bigint check (retention >= 0)',
  'alter table sessions add column hold_at timestamptz',
  'alter table sessions add column hold_by text',
  'alter table sessions add column hold_reason text',
  'alter table recordings add column removed_at timestamptz',
  'alter table recordings add column removed_by text',
  'alter table recordings drop constraint recordings_state_check',
  `alter table recordings add constraint recordings_state_check check (state in
    ('recording', 'complete', 'recovered', 'truncated', 'gap', 'tampered', 'failed', 'deleted'))`,
  `create index recordings_kept on recordings (ended_at)
    where state not in ('recording', 'deleted')`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
