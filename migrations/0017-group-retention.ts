import { type Kysely, sql } from 'kysely';

/** How long recordings of a group's members are kept: seconds; 0: for ever; null: it does not say. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw('alter table groups add column retention bigint check (retention >= 0)')
    .execute(db);
}
