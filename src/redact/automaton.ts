import { PosternError } from '../domain/errors.ts';
import { type Edge, type PatternNode, parsePattern, type UnitSet } from './pattern-syntax.ts';
import type { Span } from './span.ts';
import { UnitClasses } from './unit-classes.ts';
import { type State, Walk } from './walk.ts';

/** UTF-16 units behind a match in which a longer one may end. */
const LOOK_ON = 1024;

/** Places of one pattern, repetitions written out. */
const MOST_PLACES = 1000;

/** What looking through one text may cost, in steps of the processor, about: some half a second. */
const MOST_WORK = 100_000_000;

/** A piece of a pattern, by its places: those that it may begin with and end with (Glushkov). */
interface Piece {
  readonly isEmpty: boolean;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

const NOTHING: Piece = { isEmpty: true, first: [], last: [] };

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
 * An admin's pattern. It is looked for without going back: a first pass from the end marks where matches begin, so
 * that none is tried in vain; each step is remembered by its class of units. Where that is not enough, the whole text
 * counts as found: it takes at most about half a second, whatever pattern and text are.
 */
export class Automaton {
  readonly #sets: UnitSet[] = [];
  readonly #follow: Set<number>[] = [];
  readonly #source: string;
  readonly #begin: Edge;
  readonly #end: Edge;
  readonly #classes: UnitClasses;
  readonly #forward: Walk;
  readonly #backward: Walk;

  private constructor(source: string) {
    this.#source = source;
    const { node, begin, end } = parsePattern(source);
    this.#begin = begin;
    this.#end = end;
    const { isEmpty, first, last } = this.#build(node);
    if (isEmpty) throw this.#wrong('it matches the empty text');
    this.#classes = new UnitClasses(this.#sets);
    const size = this.#sets.length;
    const classes = this.#placesByClass();
    const before: Set<number>[] = this.#sets.map(() => new Set());
    for (const [place, next] of this.#follow.entries()) {
      for (const one of next) before[one]?.add(place);
    }
    this.#forward = new Walk({ size, classes, first, last, next: this.#follow });
    this.#backward = new Walk({ size, classes, first: last, last: first, next: before });
  }

  /** Throws `redaction.pattern`. */
  static of(source: string): Automaton {
    return new Automaton(source);
  }

  /** The longest matches, from the left. */
  find(text: string): readonly Span[] {
    const found: Span[] = [];
    const budget = { left: MOST_WORK };
    const begins = this.#beginnings(text, budget);
    for (let from = 0; from < text.length && budget.left > 0; from += 1) {
      if (begins[from] !== 1) continue;
      const to = this.#longest(text, from, budget);
      found.push({ from, to });
      from = to - 1;
    }
    return budget.left > 0 ? found : [{ from: 0, to: text.length }];
  }

  /** Whether it matches anywhere; in time in proportion to the text, whatever both are. */
  isIn(text: string): boolean {
    let state = this.#backward.start;
    for (let at = text.length - 1; at >= 0; at -= 1) {
      state = this.#stepBack(state, text, at);
      if (state.accepts && holds(this.#begin, text, at)) return true;
    }
    return false;
  }

  #stepBack(state: State, text: string, at: number): State {
    const ends = holds(this.#end, text, at + 1);
    return this.#backward.step(state, this.#classes.of(text.charCodeAt(at)), ends);
  }

  /** 1 where a match begins. */
  #beginnings(text: string, budget: { left: number }): Uint8Array {
    const begins = new Uint8Array(text.length);
    let state = this.#backward.start;
    this.#backward.takeWork();
    for (let at = text.length - 1; at >= 0 && budget.left > 0; at -= 1) {
      state = this.#stepBack(state, text, at);
      if (state.accepts && holds(this.#begin, text, at)) begins[at] = 1;
      budget.left -= this.#backward.takeWork();
    }
    return begins;
  }

  /** Where the longest match ends that begins there. */
  #longest(text: string, from: number, budget: { left: number }): number {
    let to = from + 1;
    let most = text.length;
    let state = this.#forward.start;
    for (let at = from; at < most && budget.left > 0; at += 1) {
      state = this.#forward.step(state, this.#classes.of(text.charCodeAt(at)), at === from);
      if (state.isDead) break;
      budget.left -= this.#forward.takeWork();
      if (!state.accepts || !holds(this.#end, text, at + 1)) continue;
      to = at + 1;
      most = Math.min(text.length, to + LOOK_ON);
    }
    return to;
  }

  #placesByClass(): readonly (readonly number[])[] {
    return Array.from({ length: this.#classes.count }, (_, one) => {
      const unit = this.#classes.unitOf(one);
      return [...this.#sets.keys()].filter((place) => has(this.#sets[place] ?? [], unit));
    });
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
