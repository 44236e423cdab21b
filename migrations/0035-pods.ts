import { type Kysely, sql } from 'kysely';

/** Machines that are pods: which cluster, which pod, which of its containers, its shells. */
const STATEMENTS = [
  `alter table machines add column pod jsonb
    check (jsonb_typeof(pod) = 'object')`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
