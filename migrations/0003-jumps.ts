import { type Kysely, sql } from 'kysely';

/**
 * Machines behind machines. By name, so that a renamed machine is still jumped through; checked at
 * the end of a transaction, in which machines may be named before they are made.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table machines add column jump text constraint machines_jump
    references machines (name) on update cascade deferrable initially deferred`.execute(db);
  await sql`create index machines_behind on machines (jump)`.execute(db);
}
