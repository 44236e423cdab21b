import type { Pen } from './pen.ts';

/** Words of a cell: character and kind, foreground, background. */
const WORDS = 3;

/** What a cell is, in the bits above its character. */
const KIND = 3 << 21;
const WIDE_HEAD = 1 << 21;
const WIDE_TAIL = 2 << 21;
const CHARACTER = 0x1fffff;

const SPACE = 0x20;

/** A row as plain data: its cells up to the last that is no space in the default pen. */
export interface LineState {
  readonly length: number;
  readonly wrapped: boolean;
  /** Words of 32 bits in this machine's order, in base64. */
  readonly cells: string;
}

/**
 * One row. A cell of zeros is a space in the default pen; a wide character has a head and a tail.
 * The rules of what printing and erasing does to half of a wide character are those of the player's
 * terminal.
 */
export class Line {
  #cells: Uint32Array;
  /** Whether the row below is the rest of this one. */
  wrapped = false;

  constructor(cells: Uint32Array) {
    this.#cells = cells;
  }

  static blank(cols: number, pen: Pen): Line {
    const line = new Line(new Uint32Array(cols * WORDS));
    if (pen.fg !== 0 || pen.bg !== 0) line.#fill(0, cols, pen);
    return line;
  }

  static of({ length, wrapped, cells }: LineState): Line {
    const line = new Line(new Uint32Array(length * WORDS));
    const bytes = Buffer.from(cells, 'base64');
    new Uint8Array(line.#cells.buffer).set(bytes);
    line.wrapped = wrapped;
    return line;
  }

  state(): LineState {
    const { length, wrapped, trailing } = this;
    const { buffer, byteOffset } = this.#cells;
    const used = Buffer.from(buffer, byteOffset, (length - trailing) * WORDS * 4);
    return { length, wrapped, cells: used.toString('base64') };
  }

  get length(): number {
    return this.#cells.length / WORDS;
  }

  /** Of the cell's character; 32 for a space. */
  character(col: number): number {
    return this.#word(col) & CHARACTER || SPACE;
  }

  pen(col: number): Pen {
    return { fg: this.#cells[col * WORDS + 1] ?? 0, bg: this.#cells[col * WORDS + 2] ?? 0 };
  }

  isTail(col: number): boolean {
    return (this.#word(col) & KIND) === WIDE_TAIL;
  }

  #isHead(col: number): boolean {
    return (this.#word(col) & KIND) === WIDE_HEAD;
  }

  #word(col: number): number {
    return this.#cells[col * WORDS] ?? 0;
  }

  #set(col: number, word: number, { fg, bg }: Pen): void {
    const at = col * WORDS;
    this.#cells[at] = word;
    this.#cells[at + 1] = fg;
    this.#cells[at + 2] = bg;
  }

  #fill(from: number, to: number, pen: Pen): void {
    if (pen.fg === 0 && pen.bg === 0) this.#cells.fill(0, from * WORDS, to * WORDS);
    else for (let col = from; col < to; col += 1) this.#set(col, 0, pen);
  }

  /** A blank one in the memory of this one, which is not to be used any more: nobody takes one for the other. */
  again(pen: Pen): Line {
    const line = new Line(this.#cells);
    this.#cells = new Uint32Array(0);
    line.reset(pen);
    return line;
  }

  /** Makes it a blank one again, without allocating. */
  reset(pen: Pen): void {
    this.wrapped = false;
    this.#fill(0, this.length, pen);
  }

  /** Answers how many columns it took; 0: it did not fit. */
  print(col: number, character: number, width: 1 | 2, pen: Pen): number {
    const word = character === SPACE ? 0 : character;
    const isTail = this.isTail(col);
    if (width === 1) {
      if (isTail) this.#set(col - 1, 0, pen);
      else if (this.#isHead(col)) this.#set(col + 1, 0, pen);
      this.#set(col, word, pen);
      return 1;
    }
    return isTail ? this.#wideOverTail(col, word, pen) : this.#wide(col, word, pen);
  }

  /** The `n` characters of one column each at `from`, which have to fit. */
  printAscii(col: number, text: string, from: number, n: number, pen: Pen): void {
    const { fg, bg } = pen;
    const cells = this.#cells;
    for (let step = 0; step < n; step += 1) {
      const at = (col + step) * WORDS;
      const character = text.charCodeAt(from + step);
      if (((cells[at] ?? 0) & KIND) !== 0) {
        this.print(col + step, character, 1, pen);
        continue;
      }
      cells[at] = character === SPACE ? 0 : character;
      cells[at + 1] = fg;
      cells[at + 2] = bg;
    }
  }

  #wide(col: number, word: number, pen: Pen): number {
    if (col === this.length - 1) {
      this.#set(col, 0, pen);
      return 0;
    }
    if (this.#isHead(col + 1)) this.#set(col + 2, 0, pen);
    this.#set(col, word | WIDE_HEAD, pen);
    this.#set(col + 1, WIDE_TAIL, pen);
    return 2;
  }

  #wideOverTail(col: number, word: number, pen: Pen): number {
    const after = this.length - 1 - col;
    if (after === 0) return 0;
    if (after === 1) {
      this.#set(col + 1, 0, pen);
      return 0;
    }
    this.#set(col - 1, 0, pen);
    return this.#wide(col, word, pen);
  }

  clear(from: number, to: number, pen: Pen): void {
    if (from >= this.length) return;
    if (this.isTail(from) && from > 0) this.#set(from - 1, 0, pen);
    this.#fill(from, to, pen);
    if (to < this.length && this.isTail(to)) this.#set(to, 0, pen);
  }

  /** Moves what is at `col` and right of it `n` columns further; the last ones are lost. */
  shiftRight(col: number, n: number, pen: Pen): void {
    const at = Math.min(col, this.length - 1);
    if (this.isTail(at)) {
      this.#set(at, 0, pen);
      if (at > 0) this.#set(at - 1, 0, pen);
    }
    // The lost ones come round to `col`, where the caller prints.
    this.#rotate(at, -n);
    if (this.isTail(at)) {
      this.#set(at, 0, pen);
      this.#set(this.length - 1, 0, pen);
    }
  }

  delete(col: number, n: number, pen: Pen): void {
    if (this.isTail(col) && col > 0) this.#set(col - 1, 0, pen);
    this.#rotate(col, n);
    if (this.isTail(col)) this.#set(col, 0, pen);
    this.#fill(this.length - n, this.length, pen);
  }

  /** Turns the cells from `col` on by `n` to the left. */
  #rotate(col: number, n: number): void {
    const part = this.#cells.slice(col * WORDS);
    const by = (((n * WORDS) % part.length) + part.length) % part.length;
    this.#cells.set(part.subarray(by), col * WORDS);
    this.#cells.set(part.subarray(0, by), this.#cells.length - by);
  }

  /** The characters of the cells from `from` to before `to`, one for a wide one. */
  text(from: number, to: number): string {
    const units: number[] = [];
    for (let col = from; col < to; col += 1) {
      const word = this.#word(col);
      if ((word & KIND) === WIDE_TAIL) continue;
      const character = word & CHARACTER || SPACE;
      if (character < 0x10000) units.push(character);
      else units.push(0xd7c0 + (character >> 10), 0xdc00 + (character & 0x3ff));
    }
    return String.fromCharCode(...units);
  }

  /** How many cells at its end are spaces in the default pen. */
  get trailing(): number {
    let at = this.#cells.length;
    while (at > 0 && this.#cells[at - 1] === 0) at -= 1;
    return this.length - Math.ceil(at / WORDS);
  }

  trim(): void {
    this.#cells = this.#cells.slice(0, (this.length - this.trailing) * WORDS);
  }

  /** Blanks at its end, up to `cols`. */
  pad(cols: number): void {
    const grown = new Uint32Array(cols * WORDS);
    grown.set(this.#cells);
    this.#cells = grown;
  }

  append(other: Line, from: number, to: number): void {
    const grown = new Uint32Array(this.#cells.length + (to - from) * WORDS);
    grown.set(this.#cells);
    grown.set(other.#cells.subarray(from * WORDS, to * WORDS), this.#cells.length);
    this.#cells = grown;
  }

  /** A space at its end, in the pen of what is last. */
  appendSpace(): void {
    const pen = this.pen(this.length - 1);
    this.pad(this.length + 1);
    this.#set(this.length - 1, 0, pen);
  }

  copy(): Line {
    const copy = new Line(this.#cells.slice());
    copy.wrapped = this.wrapped;
    return copy;
  }

  /** The cells from `col` on; this one keeps those before it. */
  split(col: number): Line {
    const rest = new Line(this.#cells.slice(col * WORDS));
    rest.wrapped = this.wrapped;
    this.#cells = this.#cells.slice(0, col * WORDS);
    return rest;
  }
}
