import { type Kysely, sql } from 'kysely';

/** What lists of a time, and of a kind, are read by in a large database, without sorting it. */
const STATEMENTS = [
  'create index sessions_time on sessions (started_at, id)',
  'drop index sessions_started',
  'create index sessions_kind on sessions (kind, id desc)',
  'create index sessions_user_time on sessions (user_id, machine_id, started_at)',
  'create index audit_time on audit (at, id)',
  'drop index audit_at',
  'create index audit_type_time on audit (type, at, id)',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
