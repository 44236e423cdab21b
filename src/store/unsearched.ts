import { type RawBuilder, sql } from 'kysely';
import type { Db } from './tables.ts';

/** Whether what a row of `sessions` showed may be found by searching. */
export const MAY_BE_FOUND: RawBuilder<boolean> = sql<boolean>`(not sessions.unsearched
  and not exists (select from machines
    where machines.id = sessions.machine_id and not machines.indexed))`;

/** Which machines are to be removed: one, or those of a stack. */
type Removed = { readonly machineId: number } | { readonly stackId: number };

/** Before they are removed: what was recorded on machines that are out of search stays so without them. */
export async function keepUnsearched(db: Db, removed: Removed): Promise<void> {
  const which =
    'machineId' in removed
      ? sql`machines.id = ${removed.machineId}`
      : sql`machines.stack_id = ${removed.stackId}`;
  const quiet = sql`select sessions.id from sessions join machines on machines.id = machine_id
    where ${which} and not indexed`;
  for (const table of ['commands', 'transcript_blocks'] as const) {
    await sql`update ${sql.table(table)} set folded = null where folded is not null
      and session_id in (${quiet})`.execute(db);
  }
  await sql`update sessions set unsearched = true where id in (${quiet})`.execute(db);
}
