import { type Kysely, sql } from 'kysely';

/** Which algorithms a machine may be spoken to with. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table machines add column algorithms text not null default 'modern'
    check (algorithms in ('modern', 'old'))`.execute(db);
}
