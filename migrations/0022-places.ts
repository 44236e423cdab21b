import { type Kysely, sql } from 'kysely';

/** Which session holds a place in a service, or lost it to which other; numbered in the order of taking. */
const STATEMENTS = [
  `create table session_places (
    session_id bigint primary key references sessions on delete cascade,
    number bigint generated always as identity,
    service text not null,
    evicted_by bigint
  )`,
  'create index session_places_service on session_places (service, number)',
  'create index session_places_evicted on session_places (evicted_by) where evicted_by is not null',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
