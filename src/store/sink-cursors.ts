import type { SelectQueryBuilder } from 'kysely';
import type { Db, Tables } from './tables.ts';

/** A sink as one node brings its things there. */
interface SinkOfNode {
  readonly sink: string;
  readonly node: string;
}

type Newest = SelectQueryBuilder<Tables, never, { readonly number: number | null }>;

/** The number up to which a sink was told; one that is new begins after `newest`, or with the first. */
export async function beginCursor(
  db: Db,
  { sink, node }: SinkOfNode,
  newest: Newest,
): Promise<number> {
  await db
    .insertInto('seal_sinks')
    .values(({ fn, val }) => ({ sink, node, delivered: fn.coalesce(newest, val(0)) }))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { delivered } = await db
    .selectFrom('seal_sinks')
    .select('delivered')
    .where('sink', '=', sink)
    .where('node', '=', node)
    .executeTakeFirstOrThrow();
  return delivered;
}

export async function moveCursor(
  db: Db,
  { sink, node }: SinkOfNode,
  delivered: number,
): Promise<void> {
  await db
    .updateTable('seal_sinks')
    .set({ delivered })
    .where('sink', '=', sink)
    .where('node', '=', node)
    .execute();
}
