import { PosternError } from '../domain/errors.ts';

/** Ranges of UTF-16 units, first and last of each. */
export type UnitSet = readonly (readonly [number, number])[];

export type PatternNode =
  | { readonly type: 'set'; readonly set: UnitSet }
  | { readonly type: 'sequence'; readonly of: readonly PatternNode[] }
  | { readonly type: 'choice'; readonly of: readonly PatternNode[] }
  /** `most` null: any number. */
  | {
      readonly type: 'repeat';
      readonly of: PatternNode;
      readonly least: number;
      readonly most: number | null;
    };

/** Where a match may begin and end. */
export type Edge = 'anywhere' | 'word' | 'line';

export interface ParsedPattern {
  readonly node: PatternNode;
  readonly begin: Edge;
  readonly end: Edge;
}

const LONGEST = 500;
const MOST_REPEATS = 256;
const MOST_DEPTH = 20;
const LAST_UNIT = 0xffff;

const DIGITS: UnitSet = [[0x30, 0x39]];
const WORDS: UnitSet = [...DIGITS, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const SPACES: UnitSet = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
];
const CLASSES: Readonly<Record<string, UnitSet>> = {
  d: DIGITS,
  w: WORDS,
  s: SPACES,
  D: inverted(DIGITS),
  W: inverted(WORDS),
  S: inverted(SPACES),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, f: 12, v: 11 };

function inverted(set: UnitSet): UnitSet {
  const rest: [number, number][] = [];
  let at = 0;
  for (const [first, last] of [...set].sort((a, b) => a[0] - b[0])) {
    if (first > at) rest.push([at, first - 1]);
    at = Math.max(at, last + 1);
  }
  if (at <= LAST_UNIT) rest.push([at, LAST_UNIT]);
  return rest;
}

/** ASCII letters in both cases. */
function folded(set: UnitSet): UnitSet {
  const both: [number, number][] = set.map(([first, last]) => [first, last]);
  for (const [first, last] of set) {
    for (const [from, to, by] of [
      [0x41, 0x5a, 32],
      [0x61, 0x7a, -32],
    ] as const) {
      const [low, high] = [Math.max(first, from), Math.min(last, to)];
      if (low <= high) both.push([low + by, high + by]);
    }
  }
  return both;
}

/**
 * Reads a pattern in the usual notation, as far as it can be looked for in one pass: literals, `.`, classes,
 * `\d \w \s \D \W \S`, groups, `|`, `* + ? {m,n}`, `(?i)` at its beginning, and `^`, `$`, `\b` at its ends. Throws
 * `redaction.pattern`.
 */
export function parsePattern(source: string): ParsedPattern {
  return new PatternReader(source).read();
}

class PatternReader {
  readonly #source: string;
  readonly #ignoresCase: boolean;
  #text: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
    this.#ignoresCase = source.startsWith('(?i)');
    this.#text = this.#ignoresCase ? source.slice(4) : source;
  }

  read(): ParsedPattern {
    if (this.#text === '') throw this.#wrong('it is empty');
    if (this.#text.length > LONGEST) throw this.#wrong(`it is longer than ${LONGEST} characters`);
    const begin = this.#begin();
    const end = this.#end();
    const node = this.#choice(0);
    if (this.#at < this.#text.length) throw this.#wrong(`")" at ${this.#at + 1} opens nothing`);
    return { node, begin, end };
  }

  #wrong(reason: string): PosternError {
    return new PosternError('redaction.pattern', { pattern: this.#source.slice(0, 100), reason });
  }

  #begin(): Edge {
    const edge = this.#text.startsWith('^') ? 'line' : 'word';
    const length = edge === 'line' ? 1 : 2;
    if (edge === 'word' && !this.#text.startsWith('\\b')) return 'anywhere';
    this.#text = this.#text.slice(length);
    return edge;
  }

  #end(): Edge {
    const mark = /(?<!\\)(?:\\\\){0,500}(\$|\\b)$/.exec(this.#text)?.[1];
    if (mark === undefined) return 'anywhere';
    this.#text = this.#text.slice(0, -mark.length);
    return mark === '$' ? 'line' : 'word';
  }

  #choice(depth: number): PatternNode {
    if (depth > MOST_DEPTH) throw this.#wrong('its groups are too deep');
    const of = [this.#sequence(depth)];
    while (this.#text[this.#at] === '|') {
      this.#at += 1;
      of.push(this.#sequence(depth));
    }
    return { type: 'choice', of };
  }

  #sequence(depth: number): PatternNode {
    const of: PatternNode[] = [];
    while (this.#at < this.#text.length && !'|)'.includes(this.#text.charAt(this.#at))) {
      of.push(this.#repeated(this.#atom(depth)));
    }
    return { type: 'sequence', of };
  }

  #repeated(of: PatternNode): PatternNode {
    const match = /^(?:[*+?]|\{(\d{1,4})(,(\d{0,4}))?\})\??/.exec(this.#text.slice(this.#at));
    if (match === null) return of;
    this.#at += match[0].length;
    if (/^[*+?{]/.test(this.#text.slice(this.#at))) throw this.#wrong('two repetitions in a row');
    const [sign] = match[0];
    if (sign === '*') return { type: 'repeat', of, least: 0, most: null };
    if (sign === '+') return { type: 'repeat', of, least: 1, most: null };
    if (sign === '?') return { type: 'repeat', of, least: 0, most: 1 };
    const least = Number(match[1]);
    const open = match[2] !== undefined && match[3] === '';
    const most = match[2] === undefined ? least : Number(match[3]);
    if (Math.max(least, most) > MOST_REPEATS || (!open && most < least)) {
      throw this.#wrong(`a repetition of more than ${MOST_REPEATS}, or of fewer than its least`);
    }
    return { type: 'repeat', of, least, most: open ? null : most };
  }

  #atom(depth: number): PatternNode {
    const sign = this.#text.charAt(this.#at);
    this.#at += 1;
    if (sign === '(') return this.#group(depth);
    if (sign === '[') return this.#set(this.#class());
    if (sign === '.') return this.#set(inverted([[10, 10]]));
    if (sign === '\\') return this.#set(this.#escape());
    if ('*+?{^$'.includes(sign)) throw this.#wrong(`"${sign}" is not possible at ${this.#at}`);
    const unit = sign.charCodeAt(0);
    return this.#set([[unit, unit]]);
  }

  #group(depth: number): PatternNode {
    if (this.#text[this.#at] === '?') {
      if (!this.#text.startsWith('?:', this.#at)) throw this.#wrong('groups are ( ) or (?: )');
      this.#at += 2;
    }
    const node = this.#choice(depth + 1);
    if (this.#text[this.#at] !== ')') throw this.#wrong('a group is not closed');
    this.#at += 1;
    return node;
  }

  #set(set: UnitSet): PatternNode {
    return { type: 'set', set: this.#ignoresCase ? folded(set) : set };
  }

  #escape(): UnitSet {
    const letter = this.#text.charAt(this.#at);
    this.#at += 1;
    const known = CLASSES[letter];
    if (known !== undefined) return known;
    const control = CONTROLS[letter];
    if (control !== undefined) return [[control, control]];
    if (letter === '' || /[A-Za-z0-9]/.test(letter))
      throw this.#wrong(`"\\${letter}" is not known`);
    const unit = letter.charCodeAt(0);
    return [[unit, unit]];
  }

  #class(): UnitSet {
    const isInverted = this.#text[this.#at] === '^';
    if (isInverted) this.#at += 1;
    const set: (readonly [number, number])[] = [];
    for (let isFirst = true; isFirst || this.#text[this.#at] !== ']'; isFirst = false) {
      if (this.#at >= this.#text.length) throw this.#wrong('a "[" is not closed');
      set.push(...this.#member());
    }
    this.#at += 1;
    const all = this.#ignoresCase ? folded(set) : set;
    return isInverted ? inverted(all) : all;
  }

  /** A character, a class or a range of them. */
  #member(): UnitSet {
    const first = this.#one();
    const next = this.#text.charAt(this.#at + 1);
    if (this.#text[this.#at] !== '-' || next === ']' || next === '') return first;
    this.#at += 1;
    const last = this.#one();
    const [low, high] = [first[0]?.[0] ?? 0, last[0]?.[1] ?? 0];
    const isRange = first.length === 1 && last.length === 1 && first[0]?.[0] === first[0]?.[1];
    if (!isRange || high < low) throw this.#wrong('a range is the wrong way round');
    return [[low, high]];
  }

  #one(): UnitSet {
    const unit = this.#text.charCodeAt(this.#at);
    this.#at += 1;
    return unit === 0x5c ? this.#escape() : [[unit, unit]];
  }
}
