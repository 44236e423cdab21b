import { type Kysely, sql } from 'kysely';

/**
 * Whose a text is and on which machine it was, beside it: so that the newest of one user are read
 * without reading others'. They are as the session began: a user or machine that is removed leaves
 * them, and no number is given twice.
 */
function statementsFor(table: string, searched: string): readonly string[] {
  const order = 'at, id';
  return [
    // Made again, in another form, by store/search-index.ts.
    `drop index if exists ${table}_folded`,
    `drop index ${table}_at`,
    `alter table ${table} add column user_id bigint, add column machine_id bigint`,
    `update ${table} set user_id = sessions.user_id, machine_id = sessions.machine_id
      from sessions where sessions.id = session_id`,
    `create index ${table}_searched on ${table} (${order}) where ${searched}`,
    `create index ${table}_searched_session on ${table} (session_id, ${order}) where ${searched}`,
    `create index ${table}_searched_user on ${table} (user_id, ${order}) where ${searched}`,
    `create index ${table}_searched_machine on ${table} (machine_id, ${order}) where ${searched}`,
  ];
}

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    ...statementsFor('commands', 'folded is not null'),
    ...statementsFor('transcript_blocks', `folded is not null and kind <> 'prompt'`),
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
