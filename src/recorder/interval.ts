/**
 * asciicast v3 writes the time since the previous event. Each absolute time is rounded to whole
 * microseconds and the difference of two rounded times is written, so what rounding takes from one
 * interval the next one gives back: the sum is never more than half a microsecond off.
 */
export class Intervals {
  #previous = 0;

  /** Of the last event, microseconds after the start. */
  get last(): number {
    return this.#previous;
  }

  /** The interval up to `micros`, in seconds with 3 to 6 decimals. Time never runs backwards. */
  next(micros: number): string {
    const now = Math.max(this.#previous, Math.round(micros));
    const interval = now - this.#previous;
    this.#previous = now;
    return seconds(interval);
  }
}

/** Whole microseconds as seconds with 3 to 6 decimals. */
export function seconds(micros: number): string {
  const whole = Math.floor(micros / 1_000_000);
  const decimals = String(micros % 1_000_000).padStart(6, '0');
  return `${whole}.${decimals.slice(0, 3)}${decimals.slice(3).replace(/0+$/, '')}`;
}
