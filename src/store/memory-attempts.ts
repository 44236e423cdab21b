import {
  type AttemptKeys,
  type Attempts,
  attemptKeys,
  type Guesser,
  PENALTY,
  penaltyMs,
} from '../domain/attempts.ts';

/** Names and addresses that are remembered; the one that has not failed for longest goes first. */
const MOST = 30_000;

interface Failures {
  readonly count: number;
  readonly at: number;
}

/** Counted in this process. */
export class MemoryAttempts implements Attempts {
  readonly #failures = new Map<string, Failures>();
  readonly #now: () => number;

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  wait(guesser: Guesser): Promise<number> {
    const { pair, address, name } = prefixed(attemptKeys(guesser));
    const attacked = (this.#found(name)?.count ?? 0) >= PENALTY.attack;
    const free = attacked ? PENALTY.freeUnderAttack : PENALTY.free;
    const waits = [this.#left(pair, free), this.#left(address, PENALTY.freeOfAddress)];
    return Promise.resolve(Math.max(...waits));
  }

  failed(guesser: Guesser): Promise<void> {
    for (const key of Object.values(prefixed(attemptKeys(guesser)))) {
      const count = (this.#found(key)?.count ?? 0) + 1;
      this.#failures.delete(key);
      this.#failures.set(key, { count, at: this.#now() });
    }
    for (const key of this.#failures.keys()) {
      if (this.#failures.size <= MOST) break;
      this.#failures.delete(key);
    }
    return Promise.resolve();
  }

  succeeded(guesser: Guesser): Promise<void> {
    this.#failures.delete(prefixed(attemptKeys(guesser)).pair);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#failures.clear();
    return Promise.resolve();
  }

  #found(key: string): Failures | undefined {
    const found = this.#failures.get(key);
    return found !== undefined && this.#now() - found.at < PENALTY.memoryMs ? found : undefined;
  }

  #left(key: string, free: number): number {
    const found = this.#found(key);
    if (found === undefined) return 0;
    return Math.max(0, found.at + penaltyMs(found.count, free) - this.#now());
  }
}

function prefixed({ pair, address, name }: AttemptKeys): AttemptKeys {
  return { pair: `p ${pair}`, address: `a ${address}`, name: `n ${name}` };
}
