/** States that are kept; beyond that all are forgotten and found anew. */
const MOST_STATES = 2000;

/** What finding a state costs besides its places. */
const STATE_WORK = 2000;

/** A set of places, as bits. */
export class Places {
  readonly #words: Uint32Array;

  constructor(size: number, places: Iterable<number> = []) {
    this.#words = new Uint32Array(Math.ceil(size / 32));
    for (const place of places) {
      const at = place >>> 5;
      this.#words[at] = ((this.#words[at] ?? 0) | (1 << (place & 31))) >>> 0;
    }
  }

  get name(): string {
    return this.#words.join();
  }

  get words(): number {
    return this.#words.length;
  }

  add(other: Places): void {
    const others = other.#words;
    for (let at = 0; at < others.length; at += 1) {
      this.#words[at] = (this.#words[at] ?? 0) | (others[at] ?? 0);
    }
  }

  keep(other: Places): void {
    const others = other.#words;
    for (let at = 0; at < others.length; at += 1) {
      this.#words[at] = (this.#words[at] ?? 0) & (others[at] ?? 0);
    }
  }

  meets(other: Places): boolean {
    const others = other.#words;
    return this.#words.some((word, at) => (word & (others[at] ?? 0)) !== 0);
  }

  *[Symbol.iterator](): Generator<number> {
    for (const [at, word] of this.#words.entries()) {
      for (let rest = word; rest !== 0; rest = (rest & (rest - 1)) >>> 0) {
        yield at * 32 + 31 - Math.clz32(rest & -rest);
      }
    }
  }
}

/** The places that a text may have led to. */
export interface State {
  readonly places: Places;
  readonly accepts: boolean;
  /** Nothing follows. */
  readonly isDead: boolean;
  readonly next: Map<number, State>;
}

/** A pattern's places, as they are walked through in one direction. */
export interface Paths {
  readonly size: number;
  readonly first: Iterable<number>;
  readonly last: Iterable<number>;
  /** Of each place, those that may come after it. */
  readonly next: readonly Iterable<number>[];
  /** Of each class of units, the places that it may stand at. */
  readonly classes: readonly Iterable<number>[];
}

/** Walks through all ways of a pattern at once, and remembers where each class of units leads from where. */
export class Walk {
  readonly #size: number;
  readonly #first: Places;
  readonly #last: Places;
  readonly #next: readonly Places[];
  readonly #classes: readonly Places[];
  #states = new Map<string, State>();
  #work = 0;
  /** On no way. */
  readonly start: State;

  constructor({ size, first, last, next, classes }: Paths) {
    this.#size = size;
    this.#first = new Places(size, first);
    this.#last = new Places(size, last);
    this.#next = next.map((places) => new Places(size, places));
    this.#classes = classes.map((places) => new Places(size, places));
    this.start = { places: new Places(size), accepts: false, isDead: true, next: new Map() };
  }

  /** What was not remembered, in steps of the processor, about; since the last call. */
  takeWork(): number {
    const work = this.#work;
    this.#work = 0;
    return work;
  }

  /** `begins`: a way may begin here, too. */
  step(state: State, unitClass: number, begins: boolean): State {
    const name = unitClass * 2 + (begins ? 1 : 0);
    const known = state.next.get(name);
    if (known !== undefined) return known;
    const places = new Places(this.#size);
    this.#work += STATE_WORK;
    for (const place of state.places) {
      const next = this.#next[place];
      if (next !== undefined) places.add(next);
      this.#work += places.words;
    }
    if (begins) places.add(this.#first);
    const mask = this.#classes[unitClass];
    if (mask !== undefined) places.keep(mask);
    const next = this.#stateOf(places);
    state.next.set(name, next);
    return next;
  }

  #stateOf(places: Places): State {
    const { name } = places;
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    if (this.#states.size >= MOST_STATES) {
      // Those that are forgotten have to let go of each other, too.
      for (const { next } of this.#states.values()) next.clear();
      this.#states = new Map();
      this.start.next.clear();
    }
    const isDead = places[Symbol.iterator]().next().done === true;
    const state = { places, accepts: places.meets(this.#last), isDead, next: new Map() };
    this.#states.set(name, state);
    return state;
  }
}
