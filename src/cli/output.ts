import type { Shell } from './shell.ts';
import { type Cell, facts, table } from './table.ts';

/** A column: its heading, and what it shows of a row. */
export type Column = readonly [heading: string, cell: (row: unknown) => Cell];

export interface Format {
  readonly json: boolean;
}

/** Rows as a table for people, or as a JSON array for scripts. */
export function showRows(
  shell: Shell,
  { json }: Format,
  rows: readonly unknown[],
  columns: readonly Column[],
): void {
  if (json) {
    showJson(shell, rows);
    return;
  }
  const headings = columns.map(([heading]) => heading);
  const cells = rows.map((row) => columns.map(([, cell]) => cell(row)));
  shell.stdout.write(table(headings, cells));
}

/** One thing, a line for each of its facts. */
export function showOne(
  shell: Shell,
  { json }: Format,
  thing: unknown,
  columns: readonly Column[],
): void {
  if (json) showJson(shell, thing);
  else shell.stdout.write(facts(columns.map(([heading, cell]) => [heading, cell(thing)])));
}

export function showJson(shell: Shell, value: unknown): void {
  const text = JSON.stringify(value, null, 2);
  // JSON leaves these as they are, and a terminal takes some of them for the beginning of a sequence.
  const printed = text.replace(
    /[\u007f-\u009f]/g,
    (unit) => `\\u00${unit.charCodeAt(0).toString(16)}`,
  );
  shell.stdout.write(`${printed}\n`);
}

/** What was done: a line for people, `{"done": …}` would tell scripts no more than status 0. */
export function showDone(shell: Shell, text: string): void {
  shell.stdout.write(`${text}\n`);
}
