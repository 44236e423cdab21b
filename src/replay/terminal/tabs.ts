const EVERY = 8;

/** Tab stops, by column. */
export class Tabs {
  #stops: number[] = [];

  constructor(cols: number) {
    this.grow(0, cols);
  }

  get stops(): readonly number[] {
    return this.#stops;
  }

  replace(stops: readonly number[]): void {
    this.#stops = [...stops];
  }

  set(col: number): void {
    if (this.#stops.includes(col)) return;
    this.#stops.push(col);
    this.#stops.sort((a, b) => a - b);
  }

  unset(col: number): void {
    this.#stops = this.#stops.filter((stop) => stop !== col);
  }

  clear(): void {
    this.#stops = [];
  }

  /** New columns have a stop every eight. */
  grow(from: number, to: number): void {
    for (let stop = from + EVERY - (from % EVERY); stop < to; stop += EVERY) this.#stops.push(stop);
  }

  shrink(cols: number): void {
    this.#stops = this.#stops.filter((stop) => stop < cols);
  }

  /** The `n`th before `col`; null: there are not so many. */
  before(col: number, n: number): number | null {
    return this.#stops.filter((stop) => stop < col).at(-n) ?? null;
  }

  after(col: number, n: number): number | null {
    return this.#stops.filter((stop) => stop > col)[n - 1] ?? null;
  }
}
