import {
  type ActiveCounts,
  type CountedSession,
  type Counters,
  type CountStore,
  countedSince,
  type DayCounts,
  dayOf,
} from '../domain/counters.ts';
import { PosternError } from '../domain/errors.ts';
import { Tally } from '../domain/tally.ts';
import { counted } from './recount.ts';
import { Rounds } from './rounds.ts';

/** For one node. Holds as much as its `Tally` of two days. */
export class MemoryCounters implements Counters {
  readonly source = 'process';
  readonly #truth: CountStore;
  readonly #now: () => Date;
  #tally = new Tally();
  #next: Tally | null = null;
  readonly #rebuilds = new Rounds(() => this.#recount());
  /** The first day that is kept. */
  #kept = '';

  constructor(truth: CountStore, now: () => Date) {
    this.#truth = truth;
    this.#now = now;
  }

  count(session: CountedSession): Promise<void> {
    this.#forget();
    this.#tally.put(session);
    this.#next?.put(session);
    return Promise.resolve();
  }

  active(): Promise<ActiveCounts> {
    return Promise.resolve(this.#tally.active);
  }

  day(day: string): Promise<DayCounts> {
    this.#forget();
    if (day < this.#kept) return Promise.reject(new PosternError('counters.down'));
    return Promise.resolve(this.#tally.day(day));
  }

  rebuild(): Promise<void> {
    return this.#rebuilds.ask();
  }

  healthy(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    return this.#rebuilds.settled();
  }

  /** What is told of meanwhile goes into both: what is read after it is there already, or older. */
  async #recount(): Promise<void> {
    const next = new Tally();
    this.#next = next;
    try {
      for await (const page of counted(this.#truth, this.#now())) {
        for (const session of page) next.put(session);
      }
    } finally {
      this.#next = null;
    }
    this.#tally = next;
    this.#kept = '';
    this.#forget();
  }

  /** Once a day. Not of what is being built: an old session that ends meanwhile must not come back. */
  #forget(): void {
    const first = dayOf(countedSince(this.#now()));
    if (first === this.#kept) return;
    this.#kept = first;
    this.#tally.forgetBefore(first);
  }
}
