import { type Logger, reasonOf } from '../domain/log.ts';
import type { Program } from '../domain/terminal.ts';
import type { TransferObserver, TransferWatch } from '../domain/transfer.ts';
import { InFlight } from '../handoff/in-flight.ts';
import { ObservedChannel } from './channel.ts';
import { transferProgram } from './command.ts';
import { CountedWatch } from './counted.ts';
import { type Keep, Ledger } from './ledger.ts';
import type { FromObserver, WatchedProgram } from './messages.ts';
import { ObserverThread } from './thread.ts';

/** Bytes of one channel that may wait to be read before its sources pause. */
const MAX_IN_FLIGHT = 2 * 1024 * 1024;

/** Bytes of all channels. */
const MAX_TOTAL_IN_FLIGHT = 32 * 1024 * 1024;

/** Milliseconds that a transfer may be held up, and that its end may take to be read. */
const PATIENCE_MS = 10_000;

export interface ObserverOptions {
  readonly log: Logger;
  readonly maxInFlight?: number;
  readonly patienceMs?: number;
}

/** Reads file transfers in a thread of its own, which the first of them starts. */
export class ThreadedObserver implements TransferObserver {
  readonly #log: Logger;
  readonly #patience: number;
  readonly #inFlight: InFlight;
  readonly #channels = new Map<number, ObservedChannel>();
  #thread: ObserverThread | null = null;
  #lastId = 0;
  #closed = false;

  constructor(options: ObserverOptions) {
    this.#log = options.log;
    this.#patience = options.patienceMs ?? PATIENCE_MS;
    this.#inFlight = new InFlight(options.maxInFlight ?? MAX_IN_FLIGHT, MAX_TOTAL_IN_FLIGHT);
  }

  watch(program: Program, keep: Keep): TransferWatch | null {
    const transfer = transferProgram(program);
    if (transfer === null || this.#closed) return null;
    return transfer.protocol === 'rsync'
      ? new CountedWatch(transfer, keep)
      : this.#observe(transfer, keep);
  }

  /** What still goes on is cut. */
  async close(): Promise<void> {
    this.#closed = true;
    // Each end has its deadline.
    await Promise.all([...this.#channels.values()].map((channel) => channel.end(null)));
    await this.#thread?.stop();
  }

  #observe(program: WatchedProgram, keep: Keep): TransferWatch {
    this.#lastId = (this.#lastId + 1) >>> 0;
    const id = this.#lastId;
    const startedAt = Date.now();
    const thread = this.#running();
    thread.post({ type: 'open', channel: id, program, startedAt });
    const lane = this.#inFlight.lane();
    const ledger = new Ledger(program.protocol, keep);
    const channel = new ObservedChannel(id, startedAt, thread, lane, ledger, this.#patience);
    this.#channels.set(id, channel);
    void channel.ended.then(() => {
      this.#channels.delete(id);
      this.#inFlight.settle();
    });
    return channel;
  }

  #running(): ObserverThread {
    this.#thread ??= new ObserverThread({
      message: (message) => this.#hear(message),
      died: (cause) => this.#died(cause),
    });
    return this.#thread;
  }

  #hear(message: FromObserver): void {
    switch (message.type) {
      case 'read':
        this.#thread?.tap.recycle(message.buffer);
        for (const [id, bytes] of message.counts) this.#channels.get(id)?.read(bytes);
        this.#inFlight.settle();
        break;
      case 'events':
        this.#channels.get(message.channel)?.took(message.events);
        break;
      case 'ended':
        this.#channels.get(message.channel)?.finished();
        break;
      default:
        message satisfies never;
    }
  }

  #died(cause: Error): void {
    this.#thread = null;
    this.#log.error('the observer thread died', { reason: reasonOf(cause) });
    for (const channel of [...this.#channels.values()]) channel.stop('the observer failed');
  }
}
