import type { UnitSet } from './pattern-syntax.ts';

/** Units of which the class is looked up at once. */
const TABLE = 0x100;

/** UTF-16 units in classes: those of one class are in the same of a pattern's sets. */
export class UnitClasses {
  /** The first unit of each class, ascending from 0. */
  readonly #firsts: Uint32Array;
  readonly #table: Uint16Array;

  constructor(sets: readonly UnitSet[]) {
    const firsts = sets.flatMap((set) => set.flatMap(([first, last]) => [first, last + 1]));
    this.#firsts = Uint32Array.from(new Set([0, ...firsts])).sort();
    this.#table = Uint16Array.from({ length: TABLE }, (_, unit) => this.#find(unit));
  }

  get count(): number {
    return this.#firsts.length;
  }

  /** A unit of the class. */
  unitOf(one: number): number {
    return this.#firsts[one] ?? 0;
  }

  of(unit: number): number {
    return this.#table[unit] ?? this.#find(unit);
  }

  #find(unit: number): number {
    let [low, high] = [0, this.#firsts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#firsts[middle] ?? 0) <= unit) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
