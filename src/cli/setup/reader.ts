import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { didYouMean } from '../../config/nearest.ts';
import { printable } from '../../domain/log.ts';

/** Something that is wrong in the file, and where. */
export interface SetupProblem {
  readonly line: number;
  /** `machines[0].auth.key`; empty: the file as a whole. */
  readonly field: string;
  readonly message: string;
}

/** A place in the file: what stands there and how it is called. */
export interface Entry {
  readonly node: unknown;
  readonly field: string;
  /** Of its key, or of the item of a list. */
  readonly line: number;
}

/** What a map may have. `later` are fields of the whole product that this version does not do. */
export interface Shape {
  readonly known: readonly string[];
  readonly later?: readonly string[];
}

const NOT_YET = 'is not available in this version';

/** Of a map, by their names. */
export type Fields = ReadonlyMap<string, Entry>;

/** Reads a YAML file and keeps the line of everything, and everything that is wrong. */
export class SetupReader {
  readonly #found: SetupProblem[] = [];
  readonly #lines = new Map<string, number>();
  readonly #counter = new LineCounter();
  readonly #document: Document;

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#counter, prettyErrors: false });
    for (const error of this.#document.errors.slice(0, 20)) {
      const { line } = this.#counter.linePos(error.pos[0]);
      this.#found.push({ line, field: '', message: `is not YAML: ${printable(error.message)}` });
    }
  }

  /** In the order of their lines. */
  get problems(): readonly SetupProblem[] {
    return this.#found.toSorted((a, b) => a.line - b.line);
  }

  get root(): Entry {
    return { node: this.#document.contents, field: '', line: 1 };
  }

  /** Once, however often the same is found. */
  refuse(entry: Entry, message: string): void {
    const { line, field } = entry;
    if (this.#found.some((each) => each.field === field && each.message === message)) return;
    this.#found.push({ line, field, message });
  }

  /** The line of a field; of what it is in, when it is not in the file itself. */
  lineOf(field: string): number {
    let name = field;
    while (name !== '') {
      const line = this.#lines.get(name);
      if (line !== undefined) return line;
      name = name.slice(0, Math.max(0, name.search(/(?:\.[^.[\]]+|\[\d+\])$/)));
    }
    return 1;
  }

  /** The fields of a map that are known; none when it is no map. A field of null is not there. */
  map(entry: Entry, shape: Shape): ReadonlyMap<string, Entry> {
    const fields = new Map<string, Entry>();
    for (const field of this.pairs(entry)) {
      const name = field.field.slice(entry.field === '' ? 0 : entry.field.length + 1);
      if (shape.later?.includes(name)) this.refuse(field, NOT_YET);
      else if (!shape.known.includes(name)) {
        const names = [...shape.known, ...(shape.later ?? [])];
        this.refuse(field, `is not known${didYouMean(name, names)}`);
      } else if (!isNull(field.node)) fields.set(name, field);
    }
    return fields;
  }

  /** All fields of a map, whatever they are called. */
  pairs(entry: Entry): readonly Entry[] {
    if (!isMap(entry.node)) {
      this.refuse(entry, 'must be a map of NAME: VALUE');
      return [];
    }
    return entry.node.items.map(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : '?';
      const field =
        entry.field === '' ? printable(name, 80) : `${entry.field}.${printable(name, 80)}`;
      return this.#entry(value, field, this.#lineOfNode(key) ?? entry.line);
    });
  }

  list(entry: Entry | undefined): readonly Entry[] {
    if (entry === undefined) return [];
    if (!isSeq(entry.node)) {
      this.refuse(entry, 'must be a list');
      return [];
    }
    return entry.node.items.map((item, at) =>
      this.#entry(item, `${entry.field}[${at}]`, this.#lineOfNode(item) ?? entry.line),
    );
  }

  /** Null when it is no text: then it has been refused. */
  text(entry: Entry): string | null {
    const { node } = entry;
    if (isScalar(node) && typeof node.value === 'string') return node.value;
    const plain = isScalar(node) && node.value !== null;
    const message = plain
      ? `must be text: write it in quotes, "${printable(String(node.source ?? node.value), 40)}"`
      : 'must be text';
    this.refuse(entry, message);
    return null;
  }

  /** A text that `accept` takes; else refused with `rule`, and ''. */
  textThat(entry: Entry, accept: (text: string) => boolean, rule: string): string {
    const text = this.text(entry);
    if (text === null) return '';
    if (accept(text)) return text;
    this.refuse(entry, `"${printable(text, 80)}" ${rule}`);
    return '';
  }

  /** One of some words; `fallback` when it is not there or not one of them. */
  word<Word extends string>(
    entry: Entry | undefined,
    words: readonly Word[],
    fallback: Word,
  ): Word {
    if (entry === undefined) return fallback;
    const text = this.text(entry);
    const word = words.find((each) => each === text);
    if (text !== null && word === undefined) {
      const rule = `is none of ${words.join(', ')}${didYouMean(text, words)}`;
      this.refuse(entry, `"${printable(text, 40)}" ${rule}`);
    }
    return word ?? fallback;
  }

  /** False when it is left out, or is neither true nor false: then it has been refused. */
  yes(entry: Entry | undefined): boolean {
    if (entry === undefined) return false;
    const { node } = entry;
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    this.refuse(entry, 'must be true or false');
    return false;
  }

  /** Null when it is no whole number in the range: then it has been refused. */
  number(entry: Entry, least: number, most: number): number | null {
    const value = isScalar(entry.node) ? entry.node.value : null;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
      return value;
    }
    this.refuse(entry, `must be a whole number from ${least} to ${most}`);
    return null;
  }

  isTrue(entry: Entry): boolean {
    return isScalar(entry.node) && entry.node.value === true;
  }

  /** False when it is neither true nor false: then it has been refused. */
  boolean(entry: Entry): boolean {
    const value = isScalar(entry.node) ? entry.node.value : null;
    if (typeof value !== 'boolean') this.refuse(entry, 'must be true or false');
    return value === true;
  }

  /** A field that must be there; its absence is refused at the thing that lacks it. */
  required(fields: ReadonlyMap<string, Entry>, name: string, within: Entry): Entry | undefined {
    const entry = fields.get(name);
    if (entry === undefined) this.refuse(within, `lacks ${name}`);
    return entry;
  }

  #entry(value: unknown, field: string, line: number): Entry {
    const node = isAlias(value) ? value.resolve(this.#document) : value;
    this.#lines.set(field, line);
    return { node, field, line };
  }

  #lineOfNode(node: unknown): number | null {
    const range =
      isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
    return range ? this.#counter.linePos(range[0]).line : null;
  }
}

function isNull(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null);
}
