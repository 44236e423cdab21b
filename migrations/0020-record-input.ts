import { type Kysely, sql } from 'kysely';

/** Whether what users type on a machine is recorded too. */
const STATEMENTS = ['alter table machines add column record_input boolean not null default false'];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
