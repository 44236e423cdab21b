import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';

/** Milliseconds before each new try; the last one repeats. */
const PAUSES = [100, 500, 1000, 2000, 5000] as const;

/** How many facts may wait for the database; further ones are given up, loudly. */
const MOST_WAITING = 10_000;

export interface OutboxOptions {
  readonly pauses?: readonly number[];
  readonly mostWaiting?: number;
}

interface Fact {
  readonly label: string;
  readonly write: () => Promise<unknown>;
  readonly settle: () => void;
}

/**
 * Facts that the gateway reports once and that the database must hold in the end: how a channel, a
 * recording, a session ended. Written in the order in which they came; while the database is away
 * they wait here, bounded, and are tried again. What is lost with the process is mended by the sweep
 * at the next start. A write whose answer was lost is made again: it must be idempotent, or all of
 * its facts in one transaction that asks whether the first of them is there already.
 */
export class Outbox {
  readonly #log: Logger;
  readonly #pauses: readonly number[];
  readonly #mostWaiting: number;
  readonly #waiting: Fact[] = [];
  #running: Promise<void> | null = null;
  #closed = false;
  #wake: (() => void) | null = null;

  constructor(log: Logger, { pauses = PAUSES, mostWaiting = MOST_WAITING }: OutboxOptions = {}) {
    this.#log = log;
    this.#pauses = pauses;
    this.#mostWaiting = mostWaiting;
  }

  /** Settles when the fact is written or given up; never rejects. */
  write(label: string, write: () => Promise<unknown>): Promise<void> {
    return new Promise((settle) => {
      if (this.#closed || this.#waiting.length >= this.#mostWaiting) {
        this.#log.error('a fact could not be kept for the database', { fact: label });
        settle();
        return;
      }
      this.#waiting.push({ label, write, settle });
      this.#running ??= this.#run();
    });
  }

  /** Tries what waits once more at once, and gives up the rest after `deadline` milliseconds. */
  async close(deadline: number): Promise<void> {
    this.#wake?.();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadline);
    });
    await Promise.race([this.#running ?? Promise.resolve(), late]);
    clearTimeout(timer);
    this.#closed = true;
    for (const fact of this.#waiting.splice(1)) this.#giveUp(fact);
    this.#wake?.();
  }

  #giveUp({ label, settle }: Fact): void {
    this.#log.error('a fact was not written to the database', { fact: label, reason: 'too late' });
    settle();
  }

  async #run(): Promise<void> {
    for (let fact = this.#waiting[0]; fact !== undefined; fact = this.#waiting[0]) {
      await this.#deliver(fact);
      this.#waiting.shift();
      fact.settle();
    }
    this.#running = null;
  }

  async #deliver(fact: Fact): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await fact.write();
        return;
      } catch (error) {
        const away = error instanceof PosternError && error.code === 'store.down';
        const fields = { fact: fact.label, reason: reasonOf(error) };
        if (!away || this.#closed) {
          this.#log.error('a fact was not written to the database', fields);
          return;
        }
        if (attempt === 0) this.#log.warn('the database is away; facts wait', fields);
        await this.#pause(this.#pauses[Math.min(attempt, this.#pauses.length - 1)] ?? 5000);
      }
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, milliseconds);
      const outbox = this;
      function done(): void {
        clearTimeout(timer);
        outbox.#wake = null;
        resolve();
      }
      this.#wake = done;
    });
  }
}
