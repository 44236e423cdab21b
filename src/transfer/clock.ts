/**
 * The time on one channel, as the gateway saw its bytes come: who reads along is later, and must not
 * make a transfer look slower than it was.
 */
export class Clock {
  readonly #startedAt: number;
  /** Milliseconds after the channel's start. */
  at = 0;

  /** `startedAt`: milliseconds since 1970. */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  date(): Date {
    return new Date(this.#startedAt + this.at);
  }

  /** Whole milliseconds since `begun`. */
  since(begun: number): number {
    return Math.max(0, Math.round(this.at - begun));
  }
}
