import { type Kysely, sql } from 'kysely';

/**
 * Recordings in an S3-compatible store. `archive`: null: nothing of it is there; `sending`: something may
 * be; `kept`: all of it is, and the local file may go. What is noted of the file is what the store's copy
 * is checked against. `archive_refusal`: why it could not be sent.
 */
const STATEMENTS = [
  `alter table recordings add column archive text check (archive in ('sending', 'kept'))`,
  'alter table recordings add column archive_bytes bigint',
  'alter table recordings add column archive_sha256 text',
  'alter table recordings add column archive_size bigint',
  'alter table recordings add column archive_modified_at timestamptz',
  'alter table recordings add column archive_refusal text',
  `create index recordings_to_archive on recordings (id)
    where archive is distinct from 'kept' and state not in ('deleted', 'failed')`,
  `create index recordings_leaving on recordings (id)
    where archive is not null and state = 'deleted'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
