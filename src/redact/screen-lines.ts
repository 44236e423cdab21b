import type { Line } from '../replay/terminal/line.ts';

/** Rows of a screen that hold one line: all but the last are full. */
export interface ScreenLine {
  readonly rows: readonly Line[];
  readonly text: string;
}

/** A character on the screen. */
export interface Cell {
  readonly row: Line;
  readonly col: number;
}

/** The line that goes over these rows. */
export function lineOf(rows: readonly Line[]): ScreenLine {
  let text = '';
  for (const row of rows) text += row.text(0, row.wrapped ? row.length : row.length - row.trailing);
  return { rows, text };
}

/** The lines that stand in these rows, in order. */
export function linesOf(rows: readonly Line[]): readonly ScreenLine[] {
  const lines: ScreenLine[] = [];
  for (let from = 0, at = 0; at < rows.length; at += 1) {
    if (rows[at]?.wrapped === true && at < rows.length - 1) continue;
    lines.push(lineOf(rows.slice(from, at + 1)));
    from = at + 1;
  }
  return lines;
}

/** The cells that the UTF-16 units `from` to before `to` of a line's text stand in. */
export function* cellsOf(line: ScreenLine, from: number, to: number): Generator<Cell> {
  let at = 0;
  for (const row of line.rows) {
    const end = row.wrapped ? row.length : row.length - row.trailing;
    for (let col = 0; col < end && at < to; col += 1) {
      if (row.isTail(col)) continue;
      if (at >= from) yield { row, col };
      at += row.character(col) > 0xffff ? 2 : 1;
    }
  }
}
