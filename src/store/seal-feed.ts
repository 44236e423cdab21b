import type { NotedSeal, SealFeedStore } from '../domain/seal-sink.ts';
import { toSeal } from './seals.ts';
import { beginCursor, moveCursor } from './sink-cursors.ts';
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

  begin(sink: string, node: string): Promise<number> {
    const newest = this.#db
      .selectFrom('recording_seals')
      .where('node', '=', node)
      .select(({ fn }) => fn.max('number').as('number'));
    return beginCursor(this.#db, { sink, node }, newest);
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

  delivered(sink: string, node: string, number: number): Promise<void> {
    return moveCursor(this.#db, { sink, node }, number);
  }
}
