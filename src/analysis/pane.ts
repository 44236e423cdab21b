import type { Line } from '../replay/terminal/line.ts';
import { INVERSE } from '../replay/terminal/pen.ts';
import type { Screen } from '../replay/terminal/screen.ts';

/** What tmux and screen draw between panes. */
const ACROSS = new Set([...'─━┬┴┼┳┻╋┤├'].map((one) => one.charCodeAt(0)));
const DOWN = new Set([...'│┃┤├┼┫┣╋┬┴'].map((one) => one.charCodeAt(0)));

const SPACE = 0x20;

/** A part of the screen that a program has to itself; the last column and row are not in it. */
export interface Pane {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export function isSamePane(one: Pane, other: Pane): boolean {
  const { left, top, right, bottom } = one;
  return (
    left === other.left && top === other.top && right === other.right && bottom === other.bottom
  );
}

/** A line of a multiplexer: its end is in other colours than text is. */
function isStatus(line: Line): boolean {
  const { fg, bg } = line.pen(line.length - 1);
  return bg !== 0 || (fg & INVERSE) !== 0;
}

/** Whether the column is a border at this row, and where it goes on. */
function isBorder(screen: Screen, row: number, col: number, top: number, bottom: number): boolean {
  const has = (at: number): boolean =>
    at < top || at >= bottom || DOWN.has(screen.grid.row(at).character(col));
  return has(row - 1) && has(row) && has(row + 1);
}

function isDivider(line: Line, left: number, right: number): boolean {
  for (let col = left; col < right; col += 1) if (!ACROSS.has(line.character(col))) return false;
  return right > left;
}

/** The pane that the row and column are in. */
export function paneAt(screen: Screen, row: number, col: number): Pane {
  const { grid, cols, rows } = screen;
  const first = rows > 1 && isStatus(grid.row(0)) ? 1 : 0;
  const last = rows > 1 && isStatus(grid.row(rows - 1)) ? rows - 1 : rows;
  let left = Math.min(col, cols - 1);
  while (left > 0 && !isBorder(screen, row, left - 1, first, last)) left -= 1;
  let right = Math.min(col, cols - 1);
  while (right < cols && !isBorder(screen, row, right, first, last)) right += 1;
  let top = row;
  while (top > first && !isDivider(grid.row(top - 1), left, right)) top -= 1;
  let bottom = row + 1;
  while (bottom < last && !isDivider(grid.row(bottom), left, right)) bottom += 1;
  return { left, top, right, bottom };
}

export interface PaneRow {
  /** Without spaces at its end. */
  readonly text: string;
  /** Whether it may go on in the next one. */
  readonly isFull: boolean;
}

export function paneRows({ grid }: Screen, { left, top, right, bottom }: Pane): readonly PaneRow[] {
  return Array.from({ length: bottom - top }, (_, at) => {
    const line = grid.row(top + at);
    const isFull = line.character(right - 1) !== SPACE || line.isTail(right - 1);
    return { text: line.text(left, right).trimEnd(), isFull };
  });
}

/** What of a row is in one pane each. */
export function rowParts(screen: Screen, row: number): readonly string[] {
  const line = screen.grid.row(row);
  const parts: string[] = [];
  let from = 0;
  for (let col = 0; col <= screen.cols; col += 1) {
    if (col < screen.cols && !isBorder(screen, row, col, 0, screen.rows)) continue;
    parts.push(line.text(from, col).trimEnd());
    from = col + 1;
  }
  return parts;
}

/** Everything but the pane, without what a clock changes. */
export function outside({ grid, rows, cols }: Screen, pane: Pane): string {
  const { left, top, right, bottom } = pane;
  const texts: string[] = [];
  for (let row = 0; row < rows; row += 1) {
    const line = grid.row(row);
    const isIn = row >= top && row < bottom;
    texts.push(isIn ? line.text(0, left) : line.text(0, cols));
    if (isIn && right < cols) texts.push(line.text(right, cols));
  }
  return texts.join('\n').replace(/\d/g, '0').trim();
}
