import type { Line } from '../replay/terminal/line.ts';

/** Rows of which that is remembered; more than a terminal keeps. */
const MOST = 2000;

/** By row of the screen and what is above it: since when, in seconds. */
export type WrittenState = readonly (readonly [number, number])[];

/** Rows that were written since they were told of, and when that began. */
export class WrittenRows {
  readonly #since = new Map<Line, number>();
  /** It is one of them. */
  last: Line | null = null;

  /** `lines`: those that a terminal keeps. */
  state(lines: readonly Line[]): WrittenState {
    return [...this.#since].flatMap(([line, from]) => {
      const row = lines.lastIndexOf(line);
      return row === -1 ? [] : [[row, from] as const];
    });
  }

  restore(state: WrittenState, lines: readonly Line[]): void {
    for (const [row, from] of state) {
      const line = lines[row];
      if (line !== undefined) this.#since.set(line, from);
    }
  }

  add(line: Line, now: number, lines: readonly Line[]): void {
    this.last = line;
    if (this.#since.has(line)) return;
    if (this.#since.size >= MOST) this.#forgetGone(lines);
    this.#since.set(line, now);
  }

  has(line: Line): boolean {
    return this.#since.has(line);
  }

  get isEmpty(): boolean {
    return this.#since.size === 0;
  }

  /** Whether there is one that is kept; forgets those that are not any more. */
  hasKept(lines: readonly Line[]): boolean {
    for (const line of this.#since.keys()) {
      if (lines.includes(line)) return true;
      this.#since.delete(line);
    }
    return false;
  }

  #forgetGone(lines: readonly Line[]): void {
    const kept = new Set(lines);
    for (const line of this.#since.keys()) if (!kept.has(line)) this.#since.delete(line);
  }

  /** Takes rows out; answers since when they were written, at the latest `now`. */
  take(rows: readonly Line[], now: number): number {
    let from = now;
    for (const row of rows) {
      from = Math.min(from, this.#since.get(row) ?? from);
      this.#since.delete(row);
      if (row === this.last) this.last = null;
    }
    return from;
  }

  clear(): void {
    this.#since.clear();
    this.last = null;
  }
}
