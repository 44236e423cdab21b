import { type Kysely, sql } from 'kysely';

/** Grants that were given to a user as a level on a machine, one at most of each; null: a grant as any other. */
const STATEMENTS = [
  `alter table grants add column level text check (level in ('full', 'connect_only', 'read_only')),
    add constraint grants_level_ends check
      (level is null or (user_id is not null and machine_id is not null)),
    add constraint grants_level_allow check (level <> 'read_only' or allow = '{}')`,
  `create unique index grants_levels on grants (user_id, machine_id) where level is not null`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
