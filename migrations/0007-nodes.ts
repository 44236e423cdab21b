import { type Kysely, sql } from 'kysely';

/**
 * The running nodes. `process` tells two processes of one name apart; `sign` counts up while the
 * node lives. One that stops in order takes its row away.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table nodes (
    id text primary key,
    process text not null,
    sign bigint not null default 1,
    seen_at timestamptz not null default now()
  )`.execute(db);
}
