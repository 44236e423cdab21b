/** Milliseconds before each new try; the last one repeats. */
const PAUSES = [1000, 2000, 5000, 10_000, 20_000, 30_000] as const;

/** How long to leave the store alone after it failed. */
export class Waits {
  #failures = 0;
  #until = 0;

  get isOver(): boolean {
    return performance.now() >= this.#until;
  }

  /** Of several failures of one time, one counts. */
  failed(): void {
    if (!this.isOver) return;
    const pause = PAUSES[Math.min(this.#failures, PAUSES.length - 1)] ?? 0;
    this.#failures += 1;
    this.#until = performance.now() + pause;
  }

  worked(): void {
    this.#failures = 0;
    this.#until = 0;
  }

  /** The next try may come at once. */
  skip(): void {
    this.#until = 0;
  }
}
