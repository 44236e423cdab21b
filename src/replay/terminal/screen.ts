import { Grid } from './grid.ts';
import type { Line } from './line.ts';
import { type Pen, PLAIN } from './pen.ts';
import { type Modes, NOTHING_SAVED, type Saved, type ScreenState } from './screen-state.ts';
import { Tabs } from './tabs.ts';
import { widthOf } from './width.ts';

/** Rows above the screen that the player keeps: a screen that grows gets them back. */
export const SCROLLBACK = 100;

/** DEC Special Graphics from 0x60 on. */
const DRAWING = '♦▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£⋅';

function drawn(character: number): number {
  const at = character - 0x60;
  return at >= 0 && at < DRAWING.length ? DRAWING.charCodeAt(at) : character;
}

/**
 * The state of a terminal, and the operations that sequences are made of. It follows the player's
 * terminal (avt 0.16, in asciinema-player 3.17.0) to the cell, where other terminals differ from it
 * too: zero-width characters take a cell, saved cursors do not scroll, a screen that grows takes
 * rows back from above it.
 */
export class Screen implements Modes {
  cols: number;
  rows: number;
  col = 0;
  row = 0;
  pen: Pen = PLAIN;
  cursorVisible = true;
  /** Margins, the last row included. */
  top = 0;
  bottom: number;
  tabs: Tabs;
  /** Whether G0 and G1 are DEC Special Graphics. */
  drawing: readonly [boolean, boolean] = [false, false];
  charset: 0 | 1 = 0;
  inserts = false;
  origin = false;
  wraps = true;
  newLine = false;
  #primary: Grid;
  /** Null: the primary screen is shown. */
  #alternate: Grid | null = null;
  savedPrimary = NOTHING_SAVED;
  savedAlternate = NOTHING_SAVED;

  constructor(cols: number, rows: number) {
    this.cols = cols;
    this.rows = rows;
    this.bottom = rows - 1;
    this.tabs = new Tabs(cols);
    this.#primary = new Grid(cols, rows, SCROLLBACK, PLAIN);
  }

  state(): ScreenState {
    const { cols, rows, col, row, pen, cursorVisible, top, bottom, drawing, charset } = this;
    const { inserts, origin, wraps, newLine, savedPrimary, savedAlternate } = this;
    return {
      ...{ cols, rows, tabs: this.tabs.stops },
      primary: this.#primary.state(),
      alternate: this.#alternate?.state() ?? null,
      modes: {
        ...{ col, row, pen, cursorVisible, top, bottom, drawing, charset },
        ...{ inserts, origin, wraps, newLine, savedPrimary, savedAlternate },
      },
    };
  }

  /** Makes it what that one was. */
  restoreState({ cols, rows, modes, tabs, primary, alternate }: ScreenState): void {
    Object.assign(this, modes);
    this.cols = cols;
    this.rows = rows;
    this.tabs.replace(tabs);
    this.#primary = Grid.of(primary, SCROLLBACK);
    this.#alternate = alternate === null ? null : Grid.of(alternate, 0);
  }

  get grid(): Grid {
    return this.#alternate ?? this.#primary;
  }

  get primary(): Grid {
    return this.#primary;
  }

  get isAlternate(): boolean {
    return this.#alternate !== null;
  }

  get saved(): Saved {
    return this.isAlternate ? this.savedAlternate : this.savedPrimary;
  }

  set saved(saved: Saved) {
    if (this.isAlternate) this.savedAlternate = saved;
    else this.savedPrimary = saved;
  }

  get line(): Line {
    return this.grid.row(this.row);
  }

  print(code: number): void {
    const character = this.drawing[this.charset] ? drawn(code) : code;
    const width = widthOf(character);
    let taken = 0;
    if (this.col < this.cols) {
      if (this.inserts) this.line.shiftRight(this.col, 1, this.pen);
      taken = this.line.print(this.col, character, width, this.pen);
    }
    if (taken > 0) {
      this.col += taken;
      if (this.col === this.cols && !this.wraps) this.col = this.cols - 1;
    } else if (this.wraps) {
      this.#wrap();
      this.col = this.line.print(0, character, width, this.pen);
    } else {
      this.#printAtEnd(character, width);
    }
  }

  /** As `print` of each; most of all text is this. */
  printAscii(text: string, from: number, to: number): void {
    const isPlain = !this.drawing[this.charset] && !this.inserts && this.wraps;
    for (let at = from; at < to; ) {
      const n = isPlain ? Math.min(this.cols - this.col, to - at) : 0;
      if (n === 0) {
        this.print(text.charCodeAt(at));
        at += 1;
      } else {
        this.line.printAscii(this.col, text, at, n, this.pen);
        this.col += n;
        at += n;
      }
    }
  }

  #wrap(): void {
    if (this.row === this.bottom) {
      this.line.wrapped = true;
      this.scrollUp(1);
    } else if (this.row < this.rows - 1) {
      this.line.wrapped = true;
      this.row += 1;
    }
  }

  #printAtEnd(character: number, width: 1 | 2): void {
    const at = Math.max(0, this.col - 1);
    const taken = this.line.print(at, character, width, this.pen);
    if (taken === 0 && at > 0) this.line.print(at - 1, character, width, this.pen);
    this.col = this.cols - 1;
  }

  toCol(col: number): void {
    this.col = Math.max(0, Math.min(col, this.cols - 1));
  }

  /** Within the margins, in origin mode. */
  toRow(row: number): void {
    const top = this.origin ? this.top : 0;
    this.#setRow(Math.min(top + row, this.origin ? this.bottom : this.rows - 1));
  }

  #setRow(row: number): void {
    this.col = Math.min(this.col, this.cols - 1);
    this.row = row;
  }

  home(): void {
    this.col = 0;
    this.#setRow(this.origin ? this.top : 0);
  }

  up(n: number): void {
    this.#setRow(Math.max(this.row - n, this.row < this.top ? 0 : this.top));
  }

  down(n: number): void {
    this.#setRow(Math.min(this.row + n, this.row > this.bottom ? this.rows - 1 : this.bottom));
  }

  lineFeed(): void {
    if (this.row === this.bottom) this.scrollUp(1);
    else if (this.row < this.rows - 1) this.#setRow(this.row + 1);
  }

  reverseLineFeed(): void {
    if (this.row === this.top) this.scrollDown(1);
    else if (this.row > 0) this.toRow(this.row - 1);
  }

  scrollUp(n: number): void {
    this.grid.scrollUp(this.top, this.bottom + 1, n, this.pen);
  }

  scrollDown(n: number): void {
    this.grid.scrollDown(this.top, this.bottom + 1, n, this.pen);
  }

  setMargins(top: number, bottom: number): void {
    if (top < bottom && bottom < this.rows) {
      this.top = top;
      this.bottom = bottom;
    }
    this.home();
  }

  /** Column 0 needs none. */
  setTab(): void {
    if (this.col > 0 && this.col < this.cols) this.tabs.set(this.col);
  }

  save(): void {
    this.saved = {
      col: Math.min(this.col, this.cols - 1),
      row: this.row,
      pen: this.pen,
      origin: this.origin,
      wraps: this.wraps,
    };
  }

  restore(): void {
    const { col, row, pen, origin, wraps } = this.saved;
    this.col = col;
    this.row = row;
    this.pen = pen;
    this.origin = origin;
    this.wraps = wraps;
  }

  toAlternate(): void {
    this.#alternate ??= new Grid(this.cols, this.rows, 0, this.pen);
  }

  toPrimary(): void {
    this.#alternate = null;
  }

  resize(cols: number, rows: number): void {
    if (cols < this.cols) this.tabs.shrink(cols);
    else if (cols > this.cols) this.tabs.grow(this.cols, cols);
    if (rows !== this.rows) {
      this.top = 0;
      this.bottom = rows - 1;
    }
    this.cols = cols;
    this.rows = rows;
    this.fit();
  }

  /** Brings the screen that is shown to the terminal's size: the other one has its old size. */
  fit(): void {
    const { col, row } = this.grid.resize(this.cols, this.rows, this);
    this.col = col;
    this.row = row;
    const { saved } = this;
    if (saved.col < this.cols && saved.row < this.rows) return;
    this.saved = {
      ...saved,
      col: Math.min(saved.col, this.cols - 1),
      row: Math.min(saved.row, this.rows - 1),
    };
  }

  softReset(): void {
    this.cursorVisible = true;
    this.top = 0;
    this.bottom = this.rows - 1;
    this.inserts = false;
    this.origin = false;
    this.pen = PLAIN;
    this.drawing = [false, false];
    this.charset = 0;
    this.saved = NOTHING_SAVED;
  }

  reset(): void {
    this.#primary = new Grid(this.cols, this.rows, SCROLLBACK, PLAIN);
    this.#alternate = null;
    this.softReset();
    this.savedAlternate = NOTHING_SAVED;
    this.tabs = new Tabs(this.cols);
    this.col = 0;
    this.row = 0;
    this.wraps = true;
    this.newLine = false;
  }
}
