import type { AuditDetail } from '../domain/audit.ts';
import type { Store } from '../domain/store.ts';
import type { TransferBatch, TransferEvent } from '../domain/transfer.ts';
import { aboutSession } from './journal.ts';

/** Files of one channel that have an audit event each; the channel's last one has the sums. */
const MOST_AUDITED = 1000;

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
