import { type Kysely, sql } from 'kysely';

/** Which containers sessions have programs in: what is left when one ends without having ended them. */
const STATEMENTS = [
  `create table entered_containers (
    session_id bigint primary key references sessions on delete cascade,
    engine text not null,
    container_id text not null,
    login text not null,
    mark text not null,
    outlived boolean not null default false
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
