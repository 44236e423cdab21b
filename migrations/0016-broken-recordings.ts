import { type Kysely, sql } from 'kysely';

/** Finds, among all recordings, those that broke and that nobody has looked at since. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create index recordings_broken on recordings (id)
        where state in ('gap', 'truncated') and size is null and tampered_at is null`,
    )
    .execute(db);
}
