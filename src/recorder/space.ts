import { statfs } from 'node:fs/promises';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { SpaceState } from '../domain/recording.ts';

/** Milliseconds between two looks. */
const LOOK_MS = 2000;

/**
 * How much more than the threshold has to be free before room is no longer short: else a disk at the
 * threshold would be short and not short in turn.
 */
const RELIEF = 1.05;

/** Bytes that whoever is not root may still write under `path`. Rejects where it is not there. */
async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

export interface SpaceOptions {
  /** The directory of all recordings. */
  readonly root: string;
  /** Bytes that have to be free; 0: any room will do. */
  readonly least: number;
  /** Says when room becomes short, and when it no longer is; null: says nothing. */
  readonly log: Logger | null;
  readonly lookMs?: number;
}

/**
 * Knows whether there is room for new recordings, from the last look at the file system: asking costs
 * nothing.
 */
export class SpaceWatch {
  readonly #options: SpaceOptions;
  readonly #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #state: SpaceState = 'up';

  private constructor(options: SpaceOptions) {
    this.#options = options;
    if (options.least === 0) return;
    this.#timer = setInterval(() => void this.#lookOnce(), options.lookMs ?? LOOK_MS);
    this.#timer.unref();
  }

  /** Resolves after the first look, to a watch that is to be closed. */
  static async open(options: SpaceOptions): Promise<SpaceWatch> {
    const watch = new SpaceWatch(options);
    if (options.least > 0) await watch.#lookOnce();
    return watch;
  }

  get state(): SpaceState {
    return this.#state;
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** One that hangs, as on a network's file system, is not followed by others. */
  #lookOnce(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { root, least, log } = this.#options;
    const before = this.#state;
    try {
      const free = await freeBytes(root);
      this.#state = free < (before === 'low' ? least * RELIEF : least) ? 'low' : 'up';
      if (this.#state === before) return;
      if (this.#state === 'up') log?.info('there is room for recordings again', { free, least });
      else log?.error('room for recordings is short', { free, least });
    } catch (error) {
      // What that means for a recording, the one who makes it hears.
      this.#state = 'down';
      if (before === 'down') return;
      log?.error('the room for recordings is not known', { root, reason: reasonOf(error) });
    }
  }
}
