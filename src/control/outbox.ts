import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';

/** Milliseconds before each new try; the last one repeats. */
const PAUSES = [100, 500, 1000, 2000, 5000] as const;

/** How many facts may wait for the database; further ones are given up, loudly. */
const MOST_WAITING = 10_000;

interface Fact {
  readonly label: string;
  readonly write: () => Promise<unknown>;
  readonly settle: () => void;
}

/**
 * Facts that the gateway reports once and that the database must hold in the end: how a channel, a
 * recording, a session ended. Written in the order in which they came; while the database is away
 * they wait here, bounded, and are tried again. What is lost with the process is mended by the sweep
 * at the next start. Writes must be idempotent.
 */
export class Outbox {
  readonly #log: Logger;
  readonly #waiting: Fact[] = [];
  #running = false;
  #closed = false;
  #wake: (() => void) | null = null;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Settles when the fact is written or given up; never rejects. */
  write(label: string, write: () => Promise<unknown>): Promise<void> {
    return new Promise((settle) => {
      if (this.#closed || this.#waiting.length >= MOST_WAITING) {
        this.#log.error('a fact could not be kept for the database', { fact: label });
        settle();
        return;
      }
      this.#waiting.push({ label, write, settle });
      if (!this.#running) void this.#run();
    });
  }

  /** Tries what waits once more and gives up the rest after `deadline` milliseconds. */
  async close(deadline: number): Promise<void> {
    this.#wake?.();
    const end = Date.now() + deadline;
    while (this.#running && Date.now() < end) {
      await new Promise<void>((resolve) => setTimeout(resolve, 10));
    }
    this.#closed = true;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let fact = this.#waiting[0]; fact !== undefined; fact = this.#waiting[0]) {
      await this.#deliver(fact);
      this.#waiting.shift();
      fact.settle();
    }
    this.#running = false;
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
        await this.#pause(PAUSES[Math.min(attempt, PAUSES.length - 1)] ?? 5000);
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
