/** What is left of a caller's allowance in this window. */
export interface Allowance {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until the window ends; at least 1. */
  readonly resetSeconds: number;
}

interface Window {
  readonly endsAt: number;
  count: number;
}

/**
 * Requests counted in fixed windows, a window for each key, in memory. Holds at most `maxKeys`
 * windows: the oldest goes first, so that made-up keys cannot make it grow.
 */
export class RateLimit {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #maxKeys: number;
  readonly #windows = new Map<string, Window>();

  constructor(limit: number, windowMs: number, maxKeys = 10_000) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#maxKeys = maxKeys;
  }

  /** Counts one request of `key` at `now`. */
  take(key: string, now: Date): Allowance {
    const at = now.getTime();
    const window = this.#windowOf(key, at);
    window.count += 1;
    return {
      allowed: window.count <= this.#limit,
      limit: this.#limit,
      remaining: Math.max(0, this.#limit - window.count),
      resetSeconds: Math.max(1, Math.ceil((window.endsAt - at) / 1000)),
    };
  }

  #windowOf(key: string, at: number): Window {
    const known = this.#windows.get(key);
    if (known !== undefined && at < known.endsAt) return known;
    this.#windows.delete(key);
    const oldest = this.#windows.keys().next();
    if (this.#windows.size >= this.#maxKeys && oldest.done !== true) {
      this.#windows.delete(oldest.value);
    }
    const fresh = { endsAt: at + this.#windowMs, count: 0 };
    this.#windows.set(key, fresh);
    return fresh;
  }
}
