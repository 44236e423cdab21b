import { type Kysely, sql } from 'kysely';

/** Which shell a machine's logins have, and which grants let its marks be put in. */
const STATEMENTS = [
  `alter table machines add column shell_integration text
    check (shell_integration in ('bash', 'zsh', 'fish'))`,
  'alter table grants add column shell_integration boolean not null default false',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
