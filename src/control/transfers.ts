import type { AuditDetail } from '../domain/audit.ts';
import type { Logger } from '../domain/log.ts';
import type { Store } from '../domain/store.ts';
import type { TransferBatch, TransferEvent } from '../domain/transfer.ts';
import { aboutSession } from './journal.ts';
import type { Outbox } from './outbox.ts';

/** Files of one channel that have an audit event each; the channel's last one has the sums. */
const MOST_AUDITED = 1000;

/** Batches that may wait for the database: each can be 400 kB. */
const MOST_WAITING = 200;

/** Writes what channels did with files, in order; while the database is away a bounded part waits. */
export class TransferLog {
  readonly #store: Store;
  readonly #outbox: Outbox;
  readonly #log: Logger;
  #waiting = 0;

  constructor(store: Store, outbox: Outbox, log: Logger) {
    this.#store = store;
    this.#outbox = outbox;
    this.#log = log;
  }

  /** Settles when it is written or given up; never rejects. */
  async keep(batch: TransferBatch): Promise<void> {
    if (this.#waiting >= MOST_WAITING) {
      const { sessionId, channel, events } = batch;
      const fields = { session: sessionId, channel, events: events.length };
      this.#log.error('what was done with files could not be kept', fields);
      return;
    }
    this.#waiting += 1;
    await this.#outbox.write('transfers', () => keepTransfers(this.#store, batch));
    this.#waiting -= 1;
  }
}

/** Keeps what a channel did, and an audit event for each file that it carried; all of it or nothing. */
export function keepTransfers(store: Store, batch: TransferBatch): Promise<void> {
  const { sessionId, channel, first, events } = batch;
  return store.transaction(async ({ transfers, sessions, audit }) => {
    // Were the answer to a first try lost, these are there already, and so are their audit events.
    const added = await transfers.append(batch);
    const session = await sessions.get(sessionId);
    if (session === null) return;
    for (const [index, event] of events.entries()) {
      const number = first + index;
      const isFile = event.operation === 'file' || event.operation === 'tree';
      if (!isFile || number > MOST_AUDITED || !added.has(number)) continue;
      const detail = detailOf(channel, event);
      await audit.append(aboutSession('transfer.finished', session, new Date(), detail));
    }
  });
}

function detailOf(channel: number, event: TransferEvent): AuditDetail {
  return {
    channel,
    protocol: event.protocol,
    direction: event.direction,
    path: event.path,
    bytes_read: event.bytesRead,
    bytes_written: event.bytesWritten,
    result: event.result,
    sha256: event.sha256,
  };
}
