import { type Attempts, attemptKeys, type Guesser } from './attempts.ts';

/** Attempts of one name from one address that may wait for each other. */
const MOST_WAITING = 100;

/** What came of an attempt: what was found, `wrong`, or not even looked at. */
export type Guess<T> =
  | { readonly outcome: 'right'; readonly found: T }
  | { readonly outcome: 'wrong' }
  | { readonly outcome: 'refused' };

/**
 * Every check of what can be guessed (passwords, codes) goes through here. Those of one name from
 * one address are made one after the other, so that many at once are no way around the waits.
 */
export class GuessLimit {
  readonly #attempts: Attempts;
  readonly #lines = new Map<string, { readonly end: Promise<unknown>; readonly length: number }>();

  constructor(attempts: Attempts) {
    this.#attempts = attempts;
  }

  /** `check` answers null when what was given is wrong; it is not called while a wait is due. */
  attempt<T>(guesser: Guesser, check: () => Promise<T | null>): Promise<Guess<T>> {
    const key = attemptKeys(guesser).pair;
    const before = this.#lines.get(key);
    const length = (before?.length ?? 0) + 1;
    if (length > MOST_WAITING) return Promise.resolve({ outcome: 'refused' });
    const turn = before?.end ?? Promise.resolve();
    const mine = turn.then(() => this.#judge(guesser, check));
    const end = mine.then(
      () => this.#leave(key),
      () => this.#leave(key),
    );
    this.#lines.set(key, { end, length });
    return mine;
  }

  /** All that was asked for was right: this name's failures from this address are forgotten. */
  succeeded(guesser: Guesser): Promise<void> {
    return this.#attempts.succeeded(guesser);
  }

  async #judge<T>(guesser: Guesser, check: () => Promise<T | null>): Promise<Guess<T>> {
    if ((await this.#attempts.wait(guesser)) > 0) return { outcome: 'refused' };
    const found = await check();
    if (found !== null) return { outcome: 'right', found };
    await this.#attempts.failed(guesser);
    return { outcome: 'wrong' };
  }

  #leave(key: string): void {
    const line = this.#lines.get(key);
    if (line === undefined) return;
    if (line.length <= 1) this.#lines.delete(key);
    else this.#lines.set(key, { end: line.end, length: line.length - 1 });
  }
}
