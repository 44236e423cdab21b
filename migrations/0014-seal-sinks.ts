import { type Kysely, sql } from 'kysely';

/**
 * Seals that are noted outside as well: each seal has a number and the node that noted it, in whose
 * order they go out; `seal_sinks` holds the last number that each sink of each node has taken. Seals
 * from before have no node: a sink begins with what is noted after it was set.
 */
const STATEMENTS = [
  `alter table recording_seals add column node text not null default ''`,
  'alter table recording_seals add column number bigint generated always as identity',
  'create index recording_seals_of_node on recording_seals (node, number)',

  `create table seal_sinks (
    sink text not null,
    node text not null,
    delivered bigint not null,
    primary key (sink, node)
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
