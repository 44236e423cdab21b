/**
 * How many files may be written or synced at one time. Node has four threads for files and names in
 * the whole process: two are left to the others, and one stalled file does not stop all recordings.
 */
const LANES = 2;

/** Runs file operations, at most `LANES` of them at one time, in the order in which they came. */
export class Disk {
  #free = LANES;
  readonly #queue: (() => void)[] = [];

  async run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await operation();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
