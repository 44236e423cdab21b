import type { NotedSeal, SealFeedStore } from '../domain/seal-sink.ts';
import { toSeal } from './seals.ts';
import type { Db } from './tables.ts';

/**
 * The seals in the order in which their node noted them. A node notes one after the other
 * (control/outbox.ts), so that none becomes visible behind one with a higher number.
 */
export class SqlSealFeedStore implements SealFeedStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async begin(sink: string, node: string): Promise<number> {
    await this.#db
      .insertInto('seal_sinks')
      .columns(['sink', 'node', 'delivered'])
      .expression((eb) =>
        eb
          .selectFrom('recording_seals')
          .where('node', '=', node)
          .select(({ fn, val }) => [
            val(sink).as('sink'),
            val(node).as('node'),
            fn.coalesce(fn.max('number'), val(0)).as('delivered'),
          ]),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const { delivered } = await this.#db
      .selectFrom('seal_sinks')
      .select('delivered')
      .where('sink', '=', sink)
      .where('node', '=', node)
      .executeTakeFirstOrThrow();
    return delivered;
  }

  async next(node: string, after: number, most: number): Promise<readonly NotedSeal[]> {
    const rows = await this.#db
      .selectFrom('recording_seals')
      .innerJoin('recordings', 'recordings.id', 'recording_id')
      .selectAll('recording_seals')
      .select(['session_id', 'channel', 'key'])
      .where('node', '=', node)
      .where('number', '>', after)
      .orderBy('number')
      .limit(most)
      .execute();
    return rows.map((row) => ({
      number: row.number,
      sessionId: row.session_id,
      channel: row.channel,
      key: row.key,
      node: row.node,
      seal: toSeal(row),
    }));
  }

  async delivered(sink: string, node: string, number: number): Promise<void> {
    await this.#db
      .updateTable('seal_sinks')
      .set({ delivered: number })
      .where('sink', '=', sink)
      .where('node', '=', node)
      .execute();
  }
}
