import { type Kysely, sql } from 'kysely';

/** Sessions of users or machines that are removed: statistics read them apart from the others. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index sessions_removed on sessions (started_at)
    where user_id is null or machine_id is null`.execute(db);
}
