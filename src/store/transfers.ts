import type { Selectable } from 'kysely';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Transfer, TransferBatch, TransferStore } from '../domain/transfer.ts';
import { meaning } from './failure.ts';
import { readPage } from './paging.ts';
import type { Db, Tables } from './tables.ts';

/** What was done with files, session by session; rows never change. */
export class SqlTransferStore implements TransferStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async append({ sessionId, channel, first, events }: TransferBatch): Promise<ReadonlySet<number>> {
    if (events.length === 0) return new Set();
    const rows = events.map((event, index) => ({
      session_id: sessionId,
      channel,
      number: first + index,
      protocol: event.protocol,
      operation: event.operation,
      path: event.path,
      target: event.target,
      direction: event.direction,
      bytes_read: event.bytesRead,
      bytes_written: event.bytesWritten,
      result: event.result,
      sha256: event.sha256,
      sequential: event.sequential,
      started_at: event.startedAt,
      duration: event.duration,
    }));
    const added = await meaning(
      { foreign: () => ({ code: 'thing.not_found', params: { kind: 'session', id: sessionId } }) },
      this.#db
        .insertInto('transfers')
        .values(rows)
        .onConflict((conflict) => conflict.columns(['session_id', 'channel', 'number']).doNothing())
        .returning('number')
        .execute(),
    );
    return new Set(added.map(({ number }) => number));
  }

  list(sessionId: number, page: PageRequest): Promise<Page<Transfer>> {
    const found = () => this.#db.selectFrom('transfers').where('session_id', '=', sessionId);
    return readPage(this.#db, page, found().selectAll(), toTransfer);
  }
}

function toTransfer(row: Selectable<Tables['transfers']>): Transfer {
  return {
    id: row.id,
    sessionId: row.session_id,
    channel: row.channel,
    protocol: row.protocol,
    operation: row.operation,
    path: row.path,
    target: row.target,
    direction: row.direction,
    bytesRead: row.bytes_read,
    bytesWritten: row.bytes_written,
    result: row.result,
    sha256: row.sha256,
    sequential: row.sequential,
    startedAt: row.started_at,
    duration: row.duration,
  };
}
