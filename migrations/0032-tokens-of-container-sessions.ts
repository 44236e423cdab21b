import { type Kysely, sql } from 'kysely';

/**
 * The token that a container session was made with, which it ends with. Its row may be gone: that is how a token
 * is revoked. Null: made before this.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table container_sessions add column token_id bigint`.execute(db);
}
