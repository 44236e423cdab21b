import type { ActiveCounts, Counters, Counts, DayCounts } from '../domain/counters.ts';

/** For nodes that share a database and no Redis: counted where all of them write. */
export class DatabaseCounters implements Counters {
  readonly source = 'database';
  readonly #truth: Counts;

  constructor(truth: Counts) {
    this.#truth = truth;
  }

  active(): Promise<ActiveCounts> {
    return this.#truth.active();
  }

  day(day: string): Promise<DayCounts> {
    return this.#truth.day(day);
  }

  count(): Promise<void> {
    return Promise.resolve();
  }

  rebuild(): Promise<void> {
    return Promise.resolve();
  }

  healthy(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
