import type { ExitStatus } from '../domain/terminal.ts';
import type { TransferEvent, TransferTotals, TransferWatch } from '../domain/transfer.ts';
import type { Lane } from '../handoff/in-flight.ts';
import type { Tap } from '../handoff/tap.ts';
import { Clock } from './clock.ts';
import type { Ledger } from './ledger.ts';
import { type ToObserver, WAY } from './messages.ts';
import { plainEvent } from './reader.ts';

/** The way to the observer's thread. */
export interface ObserverLink {
  readonly tap: Tap;
  post(message: ToObserver): void;
}

/**
 * One channel whose streams are read in the observer's thread, as the gateway sees it. Where the
 * thread is behind, the channel's sources pause; where that lasts too long, it is watched no further.
 */
export class ObservedChannel implements TransferWatch {
  readonly #id: number;
  readonly #link: ObserverLink;
  readonly #lane: Lane;
  readonly #ledger: Ledger;
  /** Milliseconds that the thread may let a channel wait. */
  readonly #patience: number;
  readonly #startedAt: number;
  readonly #begun = performance.now();
  readonly #ended = Promise.withResolvers<TransferTotals>();
  /** `quit`: nothing is read any more, and the program still runs. */
  #state: 'live' | 'ending' | 'quit' | 'over' = 'live';
  #timer: NodeJS.Timeout | null = null;

  /** `startedAt`: milliseconds since 1970, as the thread was told. */
  constructor(
    id: number,
    startedAt: number,
    link: ObserverLink,
    lane: Lane,
    ledger: Ledger,
    patience: number,
  ) {
    this.#id = id;
    this.#startedAt = startedAt;
    this.#link = link;
    this.#lane = lane;
    this.#ledger = ledger;
    this.#patience = patience;
  }

  /** Settles when nothing more is heard of this channel; never rejects. */
  get ended(): Promise<TransferTotals> {
    return this.#ended.promise;
  }

  fromUser(chunk: Uint8Array): boolean {
    return this.#put(WAY.fromUser, chunk);
  }

  toUser(chunk: Uint8Array): boolean {
    return this.#put(WAY.toUser, chunk);
  }

  onDrain(listener: () => void): void {
    this.#lane.onDrain(listener);
  }

  end(exit: ExitStatus | null): Promise<TransferTotals> {
    if (this.#state === 'live') {
      this.#state = 'ending';
      const at = performance.now() - this.#begun;
      this.#link.post({ type: 'end', channel: this.#id, at, exit });
      this.#wait('its end was not read in time');
    } else if (this.#state === 'quit') {
      this.#over();
    }
    return this.ended;
  }

  /** The thread's word: these bytes of frames were read. */
  read(bytes: number): void {
    if (this.#isRead) this.#lane.written(bytes);
  }

  /** The thread's word: this was done. */
  took(events: readonly TransferEvent[]): void {
    if (!this.#isRead) return;
    if (!this.#ledger.hasRoom) {
      this.stop('more operations at once than can be kept');
      return;
    }
    this.#ledger.add(events);
    // What cannot be read is not to be copied any more.
    if (this.#ledger.totals.stopped !== null) this.#quit();
  }

  /** The thread's word: everything was read and said. */
  finished(): void {
    this.#over();
  }

  /** Watches no further, and says why. */
  stop(reason: string): void {
    if (!this.#isRead) return;
    const { protocol } = this.#ledger.totals;
    const clock = new Clock(this.#startedAt);
    clock.at = performance.now() - this.#begun;
    const about = { protocol, operation: 'unreadable', path: '', result: reason } as const;
    this.#ledger.add([plainEvent(clock, about)]);
    this.#quit();
  }

  get #isRead(): boolean {
    return this.#state === 'live' || this.#state === 'ending';
  }

  #quit(): void {
    this.#link.post({ type: 'drop', channel: this.#id });
    this.#unwait();
    this.#lane.close();
    if (this.#state === 'ending') this.#over();
    else this.#state = 'quit';
  }

  #put(way: number, chunk: Uint8Array): boolean {
    if (this.#state !== 'live' || chunk.length === 0) return true;
    const micros = (performance.now() - this.#begun) * 1000;
    const goesOn = this.#lane.add(this.#link.tap.put(this.#id, way, micros, chunk));
    if (!goesOn && this.#timer === null) {
      const timer = this.#wait('it could not be read as fast as it came');
      // Another one may be set since: that for the end.
      this.#lane.onDrain(() => {
        if (this.#timer === timer) this.#unwait();
      });
    }
    return goesOn;
  }

  #wait(reason: string): NodeJS.Timeout {
    this.#unwait();
    this.#timer = setTimeout(() => this.stop(reason), this.#patience);
    return this.#timer;
  }

  #unwait(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #over(): void {
    this.#state = 'over';
    this.#unwait();
    this.#lane.close();
    this.#ended.resolve(this.#ledger.totals);
  }
}
