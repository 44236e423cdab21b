import type { Changes } from '../domain/changes.ts';

/** Milliseconds between two looks, whether or not word came. */
const PERIOD_MS = 1000;

/**
 * Looks again whenever something changed, and every second: one look at a time; word that comes
 * during one is followed by another.
 */
export class Lookout {
  readonly #look: () => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #stop: (() => void) | null = null;
  #looking: Promise<void> | null = null;
  #again = false;
  #blind = false;
  #heard = 0;

  /** `failed` is told of the first of several failures in a row. */
  constructor(look: () => Promise<void>, failed: (error: unknown) => void) {
    this.#look = look;
    this.#failed = failed;
  }

  /** From now on, until `close`. */
  watch(changes: Changes): void {
    const timer = setInterval(() => this.#begin(), PERIOD_MS);
    const deaf = changes.subscribe(() => {
      this.#heard += 1;
      this.#begin();
    });
    this.#stop = () => {
      clearInterval(timer);
      deaf();
      this.#stop = null;
    };
  }

  /** How often word came. */
  get heard(): number {
    return this.#heard;
  }

  /** Looks at once. */
  now(): void {
    this.#begin();
  }

  /** Settles when the look that is under way has been had. */
  async close(): Promise<void> {
    this.#stop?.();
    await this.#looking;
  }

  #begin(): void {
    this.#again = true;
    this.#looking ??= this.#all().finally(() => {
      this.#looking = null;
    });
  }

  async #all(): Promise<void> {
    while (this.#again && this.#stop !== null) {
      this.#again = false;
      try {
        await this.#look();
        this.#blind = false;
      } catch (error) {
        if (!this.#blind) this.#failed(error);
        this.#blind = true;
      }
    }
  }
}
