import { type Kysely, sql } from 'kysely';

/**
 * A revoked serial may be a range, `5-900`, and of any authority, as a revocation list of OpenSSH's has
 * them. The range of its value is found by an index, however many there are.
 */
const STATEMENTS = [
  `alter table revocations drop constraint revocations_check`,
  `alter table revocations add column serials numrange generated always as (
    case when kind = 'serial' then numrange(
      split_part(value, '-', 1)::numeric, split_part(value || '-' || value, '-', 2)::numeric, '[]'
    ) end
  ) stored`,
  `create index revocations_serials on revocations using gist (serials)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
