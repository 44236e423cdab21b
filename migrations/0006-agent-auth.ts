import { type Kysely, sql } from 'kysely';

/** Machines that are logged in to with the user's own forwarded agent. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table machines drop constraint machines_auth_type_check`.execute(db);
  await sql`alter table machines add constraint machines_auth_type_check check
    (auth_type in ('key', 'password', 'bastion_key', 'certificate', 'agent', 'none'))`.execute(db);
}
