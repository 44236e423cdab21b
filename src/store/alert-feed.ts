import type { Alert } from '../domain/alert.ts';
import type { FeedStore } from '../domain/sink.ts';
import { beginCursor, moveCursor } from './sink-cursors.ts';
import type { Db } from './tables.ts';

/** Alerts in the order in which their node raised them, for the sinks of that node. */
export class SqlAlertFeedStore implements FeedStore<Alert> {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  begin(sink: string, node: string): Promise<number> {
    const newest = this.#db
      .selectFrom('alerts')
      .where('node', '=', node)
      .select(({ fn }) => fn.max('id').as('number'));
    return beginCursor(this.#db, { sink, node }, newest);
  }

  async next(node: string, after: number, most: number): Promise<readonly Alert[]> {
    const rows = await this.#db
      .selectFrom('alerts')
      .innerJoin('recordings', 'recordings.id', 'recording_id')
      .innerJoin('sessions', 'sessions.id', 'recordings.session_id')
      .select(['alerts.id', 'alerts.at', 'rule_name', 'alerts.kind', 'second', 'alerts.node'])
      .select(['session_id', 'channel', 'user_name', 'machine_name', 'login'])
      .where('alerts.node', '=', node)
      .where('alerts.id', '>', after)
      .orderBy('alerts.id')
      .limit(most)
      .execute();
    return rows.map((row) => ({
      number: row.id,
      at: row.at,
      rule: row.rule_name,
      kind: row.kind,
      second: row.second,
      sessionId: row.session_id,
      channel: row.channel,
      userName: row.user_name,
      machineName: row.machine_name,
      login: row.login,
      node: row.node,
    }));
  }

  delivered(sink: string, node: string, number: number): Promise<void> {
    return moveCursor(this.#db, { sink, node }, number);
  }
}
