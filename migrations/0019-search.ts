import { type Kysely, sql } from 'kysely';

/**
 * Text that is searched: `folded` is what is looked in (domain/search.ts), null where it is not to be
 * found. The trigram index over it is not made here, since not every server allows it:
 * store/search-index.ts.
 */
const STATEMENTS = [
  'alter table machines add column indexed boolean not null default true',
  'alter table commands add column folded text',
  'alter table transcript_blocks add column folded text',
  'update commands set folded = lower(body)',
  'update transcript_blocks set folded = lower(body)',
  'create index commands_at on commands (at, id)',
  'create index transcript_blocks_at on transcript_blocks (at, id)',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
