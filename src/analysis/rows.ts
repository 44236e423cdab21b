import type { Line } from '../replay/terminal/line.ts';
import type { Screen } from '../replay/terminal/screen.ts';
import { widthOf } from '../replay/terminal/width.ts';

/** The rows of a terminal and those above it, numbered from the uppermost that is kept. */
export class Rows {
  readonly #lines: readonly Line[];
  /** Of the screen's first row. */
  readonly first: number;
  /** Of the cursor's row. */
  readonly cursor: number;

  constructor(screen: Screen) {
    this.#lines = screen.grid.lines;
    this.first = this.#lines.length - screen.rows;
    this.cursor = this.first + screen.row;
  }

  /** The one after the last. */
  get end(): number {
    return this.#lines.length;
  }

  at(row: number): Line | null {
    return this.#lines[row] ?? null;
  }

  slice(from: number, to: number): readonly Line[] {
    return this.#lines.slice(from, to);
  }

  /** -1: it is not kept any more. */
  indexOf(line: Line): number {
    return this.#lines.lastIndexOf(line);
  }

  /** Whether the row of the screen is the rest of the one above it. */
  isContinued(row: number): boolean {
    return this.#lines[this.first + row - 1]?.wrapped ?? false;
  }

  /** Where the text begins that goes over the edge to this row. */
  start(row: number): number {
    let start = row;
    while (this.#lines[start - 1]?.wrapped) start -= 1;
    return start;
  }

  /** All rows of the text that this row is part of. */
  logical(row: number): readonly Line[] {
    const start = this.start(row);
    let end = row;
    while (this.#lines[end]?.wrapped && end + 1 < this.#lines.length) end += 1;
    return this.#lines.slice(start, end + 1);
  }

  /** Rows as one text, without spaces at its end. */
  join(lines: readonly Line[]): string {
    return lines
      .map((line, at) => textOf(line, lines[at + 1]))
      .join('')
      .trimEnd();
  }

  /** The beginning of the text that begins in this row: at least `units` of it, where there are. */
  head(row: number, units: number): string {
    const line = this.#lines[row];
    // A character takes two cells at most.
    if (line !== undefined && 2 * units <= line.length) return line.text(0, 2 * units);
    return this.join(this.logical(row));
  }

  /** Whether text reaches the right edge. */
  isFull(row: number): boolean {
    const line = this.#lines[row];
    return line !== undefined && (line.wrapped || line.trailing === 0);
  }

  /** The rows from `from` to before `to` as text: over the edge they go on, else lines end. */
  text(from: number, to: number): string {
    let text = '';
    for (let row = from; row < to; row += 1) {
      const line = this.#lines[row];
      if (line === undefined) break;
      const goesOn = this.isFull(row) && row + 1 < to;
      const own = textOf(line, goesOn ? this.#lines[row + 1] : undefined);
      text += goesOn ? own : `${own.trimEnd()}\n`;
    }
    return text.replace(/\n$/, '');
  }
}

/** A wide character that did not fit leaves a blank behind, which is no space. */
function textOf(line: Line, next: Line | undefined): string {
  const text = line.text(0, line.length);
  if (next === undefined || !line.wrapped || next.length < 2) return text;
  const isBlank = line.character(line.length - 1) === 0x20 && !line.isTail(line.length - 1);
  return isBlank && widthOf(next.character(0)) === 2 ? text.slice(0, -1) : text;
}
