/** Milliseconds after its last request in which the next one is of the same opening. */
const PAUSE_MS = 5 * 60_000;

/** The most openings that are remembered; what is forgotten counts as new. */
const MOST = 10_000;

/**
 * Tells the first request of an opening from those that follow: who reads a recording in ranges, or its
 * text page by page, opens it once.
 */
export class Openings {
  readonly #last = new Map<string, number>();

  /** Whether this is the first request, of who and what `key` says; `now` in milliseconds. */
  isFirst(key: string, now: number): boolean {
    const last = this.#last.get(key);
    // The newest at the end, so that the first is the one to forget.
    this.#last.delete(key);
    this.#last.set(key, now);
    if (this.#last.size > MOST) this.#last.delete(this.#last.keys().next().value ?? '');
    return last === undefined || now - last > PAUSE_MS;
  }
}
