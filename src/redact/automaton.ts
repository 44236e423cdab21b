import { PosternError } from '../domain/errors.ts';
import { type Edge, type PatternNode, parsePattern, type UnitSet } from './pattern-syntax.ts';
import type { Span } from './span.ts';

/** UTF-16 units of the longest match. */
const LONGEST_MATCH = 1024;

/** Places of one pattern, repetitions written out. */
const MOST_PLACES = 1000;

/** States that are kept; beyond that all are forgotten and found anew. */
const MOST_STATES = 500;

/** A piece of a pattern, by its places: those that it may begin with and end with (Glushkov). */
interface Piece {
  readonly isEmpty: boolean;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

const NOTHING: Piece = { isEmpty: true, first: [], last: [] };

/** A set of places that a text may have led to. */
interface State {
  readonly places: readonly number[];
  readonly accepts: boolean;
  readonly next: Map<number, State | null>;
}

function has(set: UnitSet, unit: number): boolean {
  return set.some(([first, last]) => first <= unit && unit <= last);
}

function isWordUnit(unit: number): boolean {
  return /^\w$/.test(String.fromCharCode(unit));
}

function holds(edge: Edge, text: string, at: number): boolean {
  if (edge === 'anywhere') return true;
  const before = at > 0 ? text.charCodeAt(at - 1) : 10;
  const after = at < text.length ? text.charCodeAt(at) : 10;
  if (edge === 'line') return at === 0 || at === text.length || before === 10 || after === 10;
  return isWordUnit(before) !== isWordUnit(after);
}

/**
 * An admin's pattern. It is looked for without going back: a text of n units takes at most 1024·n steps, each of at
 * most 1000 places, whatever pattern and text are.
 */
export class Automaton {
  readonly #sets: UnitSet[] = [];
  readonly #follow: Set<number>[] = [];
  readonly #source: string;
  readonly #begin: Edge;
  readonly #end: Edge;
  readonly #last: ReadonlySet<number>;
  readonly #start: State;
  #states = new Map<string, State>();

  private constructor(source: string) {
    this.#source = source;
    const { node, begin, end } = parsePattern(source);
    this.#begin = begin;
    this.#end = end;
    const piece = this.#build(node);
    if (piece.isEmpty) throw this.#wrong('it matches the empty text');
    this.#last = new Set(piece.last);
    this.#start = { places: piece.first, accepts: false, next: new Map() };
  }

  /** Throws `redaction.pattern`. */
  static of(source: string): Automaton {
    return new Automaton(source);
  }

  /** The longest matches, from the left. */
  find(text: string): readonly Span[] {
    const found: Span[] = [];
    for (let from = 0; from < text.length; from += 1) {
      if (!holds(this.#begin, text, from)) continue;
      const to = this.#longest(text, from);
      if (to === null) continue;
      found.push({ from, to });
      from = to - 1;
    }
    return found;
  }

  /** Whether it matches anywhere; in time in proportion to the text, whatever both are. */
  isIn(text: string): boolean {
    let there: readonly number[] = [];
    for (let at = 0; at < text.length; at += 1) {
      const starts = holds(this.#begin, text, at) ? this.#start.places : [];
      const unit = text.charCodeAt(at);
      const may = new Set(starts);
      for (const place of there) for (const next of this.#follow[place] ?? []) may.add(next);
      there = [...may].filter((place) => has(this.#sets[place] ?? [], unit));
      if (there.some((place) => this.#last.has(place)) && holds(this.#end, text, at + 1))
        return true;
    }
    return false;
  }

  #longest(text: string, from: number): number | null {
    const most = Math.min(text.length, from + LONGEST_MATCH);
    let to: number | null = null;
    let state: State | null = this.#start;
    for (let at = from; at < most; at += 1) {
      state = this.#step(state, text.charCodeAt(at));
      if (state === null) break;
      if (state.accepts && holds(this.#end, text, at + 1)) to = at + 1;
    }
    return to;
  }

  /** Before the first unit a state has the places that may come; later, those that are there. */
  #step(state: State, unit: number): State | null {
    const known = state.next.get(unit);
    if (known !== undefined) return known;
    const from =
      state === this.#start
        ? state.places
        : new Set(state.places.flatMap((place) => [...(this.#follow[place] ?? [])]));
    const places = [...from].filter((place) => has(this.#sets[place] ?? [], unit));
    const next = places.length === 0 ? null : this.#stateOf(places);
    if (unit < 0x100) state.next.set(unit, next);
    return next;
  }

  #stateOf(places: readonly number[]): State {
    const name = [...places].sort((a, b) => a - b).join();
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    if (this.#states.size >= MOST_STATES) {
      this.#states = new Map();
      this.#start.next.clear();
    }
    const accepts = places.some((place) => this.#last.has(place));
    const state = { places, accepts, next: new Map() };
    this.#states.set(name, state);
    return state;
  }

  #wrong(reason: string): PosternError {
    return new PosternError('redaction.pattern', { pattern: this.#source.slice(0, 100), reason });
  }

  #build(node: PatternNode): Piece {
    switch (node.type) {
      case 'set':
        return this.#place(node.set);
      case 'sequence':
        return node.of.reduce<Piece>((piece, one) => this.#then(piece, this.#build(one)), NOTHING);
      case 'choice':
        return node.of.map((one) => this.#build(one)).reduce(either);
      case 'repeat':
        return this.#repeat(node.of, node.least, node.most);
    }
  }

  #place(set: UnitSet): Piece {
    const place = this.#sets.push(set) - 1;
    if (place >= MOST_PLACES) throw this.#wrong('it is too large, its repetitions written out');
    this.#follow.push(new Set());
    return { isEmpty: false, first: [place], last: [place] };
  }

  #link(last: readonly number[], first: readonly number[]): void {
    for (const place of last) for (const next of first) this.#follow[place]?.add(next);
  }

  #then(one: Piece, two: Piece): Piece {
    this.#link(one.last, two.first);
    return {
      isEmpty: one.isEmpty && two.isEmpty,
      first: one.isEmpty ? [...one.first, ...two.first] : one.first,
      last: two.isEmpty ? [...one.last, ...two.last] : two.last,
    };
  }

  #repeat(of: PatternNode, least: number, most: number | null): Piece {
    let piece = NOTHING;
    for (let n = 0; n < least; n += 1) piece = this.#then(piece, this.#build(of));
    if (most === null) {
      const more = this.#build(of);
      this.#link(more.last, more.first);
      return this.#then(piece, { ...more, isEmpty: true });
    }
    for (let n = least; n < most; n += 1) {
      piece = this.#then(piece, { ...this.#build(of), isEmpty: true });
    }
    return piece;
  }
}

function either(one: Piece, two: Piece): Piece {
  return {
    isEmpty: one.isEmpty || two.isEmpty,
    first: [...one.first, ...two.first],
    last: [...one.last, ...two.last],
  };
}
