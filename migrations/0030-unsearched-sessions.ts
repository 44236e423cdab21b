import { type Kysely, sql } from 'kysely';

/**
 * Sessions of machines that were removed while they were out of search: what they showed stays out of it. Of
 * those that were removed before, text that nothing is looked for in tells.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table sessions add column unsearched boolean not null default false`.execute(db);
  await sql`update sessions set unsearched = true where machine_id is null and (
    exists (select from commands where session_id = sessions.id and folded is null)
    or exists (select from transcript_blocks where session_id = sessions.id and folded is null))`.execute(
    db,
  );
}
