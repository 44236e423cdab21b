import { Line, type LineState } from './line.ts';
import { type Pen, PLAIN } from './pen.ts';
import { reflow } from './reflow.ts';

/** A place on the screen, from 0. The column of a cursor may be the one after the last. */
export interface Place {
  readonly col: number;
  readonly row: number;
}

/** As plain data, all rows. */
export interface GridState {
  readonly cols: number;
  readonly rows: number;
  readonly lines: readonly LineState[];
}

/** The rows of a screen and, above them, those that scrolled out of it. */
export class Grid {
  cols: number;
  rows: number;
  /** Rows above the screen that are kept; a tenth more before they are cut. */
  readonly #scrollback: number;
  #lines: Line[];
  /** Rows that were cut, to be used again. */
  #spare: Line[] = [];

  constructor(cols: number, rows: number, scrollback: number, pen: Pen) {
    this.cols = cols;
    this.rows = rows;
    this.#scrollback = scrollback;
    this.#lines = Array.from({ length: rows }, () => Line.blank(cols, pen));
  }

  /** All rows, those above the screen first. */
  get lines(): readonly Line[] {
    return this.#lines;
  }

  static of({ cols, rows, lines }: GridState, scrollback: number): Grid {
    const grid = new Grid(cols, rows, scrollback, PLAIN);
    grid.#lines = lines.map((line) => Line.of(line));
    return grid;
  }

  state(): GridState {
    const { cols, rows } = this;
    return { cols, rows, lines: this.#lines.map((line) => line.state()) };
  }

  copy(): Grid {
    const copy = new Grid(this.cols, this.rows, this.#scrollback, PLAIN);
    copy.#lines = this.#lines.map((line) => line.copy());
    return copy;
  }

  row(row: number): Line {
    const line = this.#lines[this.#top + row];
    if (line === undefined) throw new RangeError(`row ${row} of ${this.rows}`);
    return line;
  }

  get #top(): number {
    return this.#lines.length - this.rows;
  }

  #blank(pen: Pen): Line {
    return this.#spare.pop()?.again(pen) ?? Line.blank(this.cols, pen);
  }

  /** Makes the rows from `from` to before `to` blank ones. */
  clearRows(from: number, to: number, pen: Pen): void {
    for (let row = from; row < to; row += 1) this.row(row).reset(pen);
  }

  /** Moves the rows of a region up; those of one that begins at the top go above the screen. */
  scrollUp(from: number, to: number, lines: number, pen: Pen): void {
    const n = Math.min(lines, to - from);
    if (to < this.rows) this.row(to - 1).wrapped = false;
    if (from === 0) {
      const at = this.#top + to;
      for (let done = 0; done < n; done += 1) {
        if (to === this.rows) this.#lines.push(this.#blank(pen));
        else this.#lines.splice(at, 0, this.#blank(pen));
      }
      this.#trim();
      return;
    }
    this.row(from - 1).wrapped = false;
    const top = this.#top;
    const gone = this.#lines.splice(top + from, n);
    this.#lines.splice(top + to - n, 0, ...gone.map((line) => line.again(pen)));
  }

  scrollDown(from: number, to: number, lines: number, pen: Pen): void {
    const n = Math.min(lines, to - from);
    const top = this.#top;
    const gone = this.#lines.splice(top + to - n, n);
    this.#lines.splice(top + from, 0, ...gone.map((line) => line.again(pen)));
    if (from > 0) this.row(from - 1).wrapped = false;
    this.row(to - 1).wrapped = false;
  }

  #trim(): void {
    const above = this.#top;
    if (above <= this.#scrollback * 1.1) return;
    const cut = this.#lines.splice(0, above - this.#scrollback);
    // No more than a screen can use at once.
    this.#spare = [...this.#spare, ...cut].slice(-this.rows);
  }

  /** Answers where the cursor is then. */
  resize(cols: number, rows: number, cursor: Place): Place {
    let { col, row } = cursor;
    let before = this.rows;
    if (cols !== this.cols) {
      const [along, logical] = this.#logical(cursor);
      this.#lines = reflow(this.#lines, cols);
      this.#spare = [];
      while (this.#lines.length < before) this.#lines.push(Line.blank(cols, PLAIN));
      const place = this.#placeOf(along, logical, cols);
      col = place.col;
      row = Math.max(0, place.row);
      if (place.row < 0) before -= place.row;
    }
    this.cols = cols;
    row = rows < before ? this.#lower(rows, before, row) : this.#raise(rows, before, row);
    this.rows = rows;
    this.#trim();
    return { col, row };
  }

  /** Fewer rows: those below the cursor go first, then the uppermost leave the screen. */
  #lower(rows: number, before: number, row: number): number {
    const fewer = before - rows;
    const below = Math.min(fewer, before - 1 - row);
    if (below > 0) {
      this.#lines.length -= below;
      const last = this.#lines.at(-1);
      if (last !== undefined) last.wrapped = false;
    }
    return row - (fewer - below);
  }

  /** More rows: they come from above the screen, as far as there are some. */
  #raise(rows: number, before: number, row: number): number {
    const more = rows - before;
    const back = Math.min(Math.max(0, this.#lines.length - before), more);
    for (let n = back; n < more; n += 1) this.#lines.push(Line.blank(this.cols, PLAIN));
    return row < before ? row + back : row;
  }

  /** How far along its text, and in the how manieth text, a place is. */
  #logical({ col, row }: Place): [along: number, logical: number] {
    let along = 0;
    let logical = 0;
    for (let at = 0; at < this.#top + row; at += 1) {
      if (this.#lines[at]?.wrapped) {
        along += this.cols;
      } else {
        along = 0;
        logical += 1;
      }
    }
    return [col + along, logical];
  }

  #placeOf(along: number, logical: number, cols: number): Place {
    let at = 0;
    for (let seen = 0; seen < logical && at < this.#lines.length - 1; at += 1) {
      if (!this.#lines[at]?.wrapped) seen += 1;
    }
    let col = along;
    while (col >= cols && this.#lines[at]?.wrapped) {
      col -= cols;
      at += 1;
    }
    return { col: Math.min(col, cols - 1), row: at - this.#top };
  }
}
