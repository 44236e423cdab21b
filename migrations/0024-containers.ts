import { type Kysely, sql } from 'kysely';

/** Machines that are containers: where their engine is, which container, its shells. */
const STATEMENTS = [
  `alter table machines add column container jsonb
    check (jsonb_typeof(container) = 'object')`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
