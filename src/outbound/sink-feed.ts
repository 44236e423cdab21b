import { type Logger, reasonOf } from '../domain/log.ts';
import type { SinkState } from '../domain/seal-sink.ts';
import type { FeedStore, Sink } from '../domain/sink.ts';

/** Milliseconds between two looks for something new. */
const PERIOD_MS = 1000;

/** Milliseconds before each new try after a failure; the last one repeats. */
const PAUSES: readonly number[] = [1000, 2000, 5000, 10_000, 30_000, 60_000];

/** Things that are brought at once, and held in memory: some 700 bytes each. */
const MOST = 100;

export interface SinkFeedDeps<Item> {
  /** What is brought, for the log. */
  readonly what: 'seals' | 'alerts';
  readonly sink: Sink<Item>;
  readonly store: FeedStore<Item>;
  /** Whose are brought. */
  readonly node: string;
  readonly log: Logger;
  readonly periodMs?: number;
  readonly pauses?: readonly number[];
}

/**
 * Brings a node's seals, or alerts, to one sink, in order, each at least once: what the sink has taken is noted in
 * the database behind it, so that neither its absence nor a crash loses any.
 */
export class SinkFeed<Item extends { readonly number: number }> {
  readonly #deps: SinkFeedDeps<Item>;
  /** The number of the last one that it has taken. */
  #taken = 0;
  /** Tries that failed, since one did not. */
  #failures = 0;
  #running: Promise<void> | null = null;
  #closing = false;
  #wake: (() => void) | null = null;

  constructor(deps: SinkFeedDeps<Item>) {
    this.#deps = deps;
  }

  get state(): SinkState {
    return { type: this.#deps.sink.type, state: this.#failures === 0 ? 'up' : 'behind' };
  }

  /** From here on nothing is missed. Rejects when the database does not answer. */
  async begin(): Promise<void> {
    const { store, sink, node } = this.#deps;
    this.#taken = await store.begin(sink.id, node);
    this.#running = this.#run();
  }

  /** Tries once more, and gives up after `deadline` milliseconds: the next start goes on. */
  async close(deadline: number): Promise<void> {
    this.#closing = true;
    this.#wake?.();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadline);
    });
    await Promise.race([this.#running ?? Promise.resolve(), late]);
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    for (let isLast = false; ; isLast = this.#closing) {
      const hasMore = await this.#bring();
      if (isLast && !hasMore) return;
      if (!hasMore && !this.#closing) await this.#pause();
    }
  }

  /** Whether there may be more at once; never rejects. */
  async #bring(): Promise<boolean> {
    const { what, store, sink, node, log } = this.#deps;
    try {
      const items = await store.next(node, this.#taken, MOST);
      const last = items.at(-1);
      if (last !== undefined) {
        await sink.deliver(items);
        await store.delivered(sink.id, node, last.number);
        this.#taken = last.number;
      }
      if (this.#failures > 0) log.info(`${what} are noted outside again`, { sink: sink.label });
      this.#failures = 0;
      return items.length === MOST;
    } catch (error) {
      const fields = { sink: sink.label, reason: reasonOf(error) };
      if (this.#failures === 0) log.error(`${what} cannot be noted outside; they wait`, fields);
      this.#failures += 1;
      return false;
    }
  }

  #pause(): Promise<void> {
    const { periodMs = PERIOD_MS, pauses = PAUSES } = this.#deps;
    const after = pauses[Math.min(this.#failures, pauses.length) - 1] ?? periodMs;
    return new Promise((resolve) => {
      const timer = setTimeout(done, after);
      const feed = this;
      function done(): void {
        clearTimeout(timer);
        feed.#wake = null;
        resolve();
      }
      this.#wake = done;
    });
  }
}
