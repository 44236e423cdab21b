import { type Kysely, sql } from 'kysely';

/** Which pods sessions have programs in, beside containers of engines. */
const STATEMENTS = [
  `alter table entered_containers add column pod jsonb
    check (jsonb_typeof(pod) = 'object')`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
