import { printable } from '../domain/log.ts';

/** What a cell shows; null is `-`. */
export type Cell = string | number | boolean | null;

/** Columns that a character takes on a terminal: two for CJK and most emoji, none for marks. */
function width(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (/\p{Mark}|\u200d/u.test(character)) continue;
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return columns;
}

/** Rows under headings, columns aligned; values come from outside, so nothing controls a terminal. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = [
    headings.map((heading) => heading.toUpperCase()),
    ...rows.map((row) => row.map((cell) => printable(cell === null ? '-' : String(cell), 120))),
  ];
  const widths = headings.map((_, column) =>
    Math.max(...texts.map((row) => width(row[column] ?? ''))),
  );
  const lines = texts.map((row) =>
    row
      .map((text, column) => text + ' '.repeat((widths[column] ?? 0) - width(text)))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** Two columns: what it is, what it says. */
export function facts(pairs: readonly (readonly [name: string, value: Cell])[]): string {
  const longest = Math.max(...pairs.map(([name]) => name.length));
  return pairs
    .map(([name, value]) => {
      const text = printable(value === null ? '-' : String(value), 2000);
      return `${name.padEnd(longest)}  ${text}\n`;
    })
    .join('');
}
