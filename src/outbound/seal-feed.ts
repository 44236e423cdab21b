import { type Logger, reasonOf } from '../domain/log.ts';
import type { SealFeedStore, SealSink, SinkState } from '../domain/seal-sink.ts';

/** Milliseconds between two looks for new seals. */
const PERIOD_MS = 1000;

/** Milliseconds before each new try after a failure; the last one repeats. */
const PAUSES: readonly number[] = [1000, 2000, 5000, 10_000, 30_000, 60_000];

/** Seals that are brought at once, and held in memory: some 700 bytes each. */
const MOST = 100;

export interface SealFeedDeps {
  readonly sink: SealSink;
  readonly store: SealFeedStore;
  /** Whose seals are brought. */
  readonly node: string;
  readonly log: Logger;
  readonly periodMs?: number;
  readonly pauses?: readonly number[];
}

/**
 * Brings a node's seals to one sink, in order, each at least once: what the sink has taken is noted in
 * the database behind it, so that neither its absence nor a crash loses any.
 */
export class SealFeed {
  readonly #deps: SealFeedDeps;
  /** The number of the last seal that it has taken. */
  #taken = 0;
  /** Tries that failed, since one did not. */
  #failures = 0;
  #running: Promise<void> | null = null;
  #closing = false;
  #wake: (() => void) | null = null;

  constructor(deps: SealFeedDeps) {
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
    const { store, sink, node, log } = this.#deps;
    try {
      const seals = await store.next(node, this.#taken, MOST);
      const last = seals.at(-1);
      if (last !== undefined) {
        await sink.deliver(seals);
        await store.delivered(sink.id, node, last.number);
        this.#taken = last.number;
      }
      if (this.#failures > 0) log.info('seals are noted outside again', { sink: sink.label });
      this.#failures = 0;
      return seals.length === MOST;
    } catch (error) {
      const fields = { sink: sink.label, reason: reasonOf(error) };
      if (this.#failures === 0) log.error('seals cannot be noted outside; they wait', fields);
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
