import type { TransferEvent, TransferProtocol, TransferTotals } from '../domain/transfer.ts';

/** Keeps events of one channel; `first` is the number of the first of them. Does not reject. */
export type Keep = (first: number, events: readonly TransferEvent[]) => Promise<void>;

/** Batches on their way to where they are kept. */
const MOST_SENDING = 32;

/** What one channel did with files: numbers each event, hands it on, and adds up. */
export class Ledger {
  readonly #keep: Keep;
  #totals: TransferTotals;
  #next = 1;
  #sending = 0;

  constructor(protocol: TransferProtocol, keep: Keep) {
    this.#keep = keep;
    this.#totals = {
      protocol,
      files: 0,
      changes: 0,
      bytesRead: 0,
      bytesWritten: 0,
      stopped: null,
    };
  }

  get totals(): TransferTotals {
    return this.#totals;
  }

  /** False: more wait to be kept than may. */
  get hasRoom(): boolean {
    return this.#sending < MOST_SENDING;
  }

  add(events: readonly TransferEvent[]): void {
    for (const event of events) this.#count(event);
    const first = this.#next;
    this.#next += events.length;
    this.#sending += 1;
    const kept = (): void => {
      this.#sending -= 1;
    };
    this.#keep(first, events).then(kept, kept);
  }

  #count(event: TransferEvent): void {
    const { files, changes, bytesRead, bytesWritten } = this.#totals;
    if (event.operation === 'unreadable') {
      this.#totals = { ...this.#totals, stopped: event.result };
      return;
    }
    const isFile = event.operation === 'file' || event.operation === 'tree';
    this.#totals = {
      ...this.#totals,
      files: files + (isFile ? 1 : 0),
      changes: changes + (isFile ? 0 : 1),
      bytesRead: bytesRead + event.bytesRead,
      bytesWritten: bytesWritten + event.bytesWritten,
    };
  }
}
