import { setTimeout as pause } from 'node:timers/promises';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Store } from '../domain/store.ts';

/** Milliseconds of pause at least, also for each that a turn took, so that others have the database too. */
const PAUSE = 50;

/** Milliseconds before the database is tried again. */
const AGAIN_MS = 10_000;

export interface GatheringDeps {
  readonly store: Pick<Store, 'analyses'>;
  readonly log: Logger;
}

/** Makes what was kept before there was an index for it ready to be looked up, once, beside everything else. */
export class Gathering {
  readonly #deps: GatheringDeps;
  readonly #closing = new AbortController();
  #running: Promise<void> | null = null;

  constructor(deps: GatheringDeps) {
    this.#deps = deps;
  }

  begin(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log } = this.#deps;
    const { signal } = this.#closing;
    for (let turns = 0; !signal.aborted; turns += 1) {
      const begun = performance.now();
      const isLeft = await this.#turn();
      if (isLeft === false) {
        if (turns > 0) log.info('search finds everything by its index', { turns });
        return;
      }
      const ms = isLeft === null ? AGAIN_MS : Math.max(PAUSE, performance.now() - begun);
      await pause(ms, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Whether there may be more; null: the database did not answer. */
  async #turn(): Promise<boolean | null> {
    const { store, log } = this.#deps;
    try {
      return await store.analyses.gather();
    } catch (error) {
      log.debug('search is not made ready for what is older', { reason: reasonOf(error) });
      return null;
    }
  }
}
