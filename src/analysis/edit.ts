import type { Line } from '../replay/terminal/line.ts';
import type { Screen } from '../replay/terminal/screen.ts';
import type { MarkFamily } from './marks.ts';
import type { Prompts, Waiting } from './prompts.ts';
import type { Rows } from './rows.ts';

/** Rows that one command may take on the screen. */
const MOST_ROWS = 200;

/** UTF-16 units of a line in which a known prompt is looked for. */
const LONGEST_PROMPT = 300;

/** A line that somebody is being asked for. */
export interface Edit {
  readonly prompt: string;
  /** Where the prompt begins on its row. */
  readonly startCol: number;
  readonly waiting: Waiting;
  readonly family: MarkFamily | null;
  /** The row that the cursor was on, and how much stood before it there. */
  readonly line: Line | null;
  readonly before: number;
  /** What stood right of the cursor: a prompt at the right edge. */
  readonly right: string;
  /** The last row that something else has written on meanwhile, and the one before it. */
  broken: Line | null;
  brokenBefore: Line | null;
  /** Something was drawn in reverse: text that was pasted. */
  isReversed: boolean;
}

/** As it is kept: rows by their number. */
export interface EditState extends Omit<Edit, 'line' | 'broken' | 'brokenBefore'> {
  readonly line: number;
  readonly broken: number;
  readonly brokenBefore: number;
}

export function editState(edit: Edit, rows: Rows): EditState {
  const number = (line: Line | null): number => (line === null ? -1 : rows.indexOf(line));
  return {
    ...edit,
    line: number(edit.line),
    broken: number(edit.broken),
    brokenBefore: number(edit.brokenBefore),
  };
}

export function editOf(state: EditState, rows: Rows): Edit {
  return {
    ...state,
    line: rows.at(state.line),
    broken: rows.at(state.broken),
    brokenBefore: rows.at(state.brokenBefore),
  };
}

/**
 * What stands before the cursor, as a prompt: from the column `armed` of its row, where something is
 * there. Null: nothing is.
 */
function promptAt(rows: Rows, screen: Screen, armed: number | null): [string, number] | null {
  const start = rows.start(rows.cursor);
  const above = start === rows.cursor ? '' : rows.text(start, rows.cursor);
  const whole = `${above}${screen.line.text(0, Math.min(screen.col, screen.cols))}`;
  const sliced = start === rows.cursor ? whole.slice(armed ?? 0) : whole;
  const startCol = sliced.trim() === '' ? 0 : whole.length - sliced.length;
  return whole.trim() === '' ? null : [whole.slice(startCol), startCol];
}

/** A line that begins at the cursor; null: nothing stands before it, and no mark says so. */
export function editAt(
  { rows, screen }: { readonly rows: Rows; readonly screen: Screen },
  armed: number | null,
  family: MarkFamily | null,
  classify: (prompt: string) => Waiting,
): Edit | null {
  const [prompt, startCol] = promptAt(rows, screen, armed) ?? ['', 0];
  if (prompt === '' && family === null) return null;
  return {
    ...{ prompt, startCol, family },
    waiting: classify(prompt),
    line: screen.line,
    before: screen.line.text(0, Math.min(screen.col, screen.cols)).length,
    right: screen.line.text(Math.min(screen.col, screen.cols), screen.cols).trim(),
    ...{ broken: null, brokenBefore: null, isReversed: false },
  };
}

/** Without what stands at the right edge of the first line. */
export function withoutRight(text: string, right: string): string {
  if (right === '') return text;
  const [first = '', ...rest] = text.split('\n');
  if (!first.endsWith(right)) return text;
  return [first.slice(0, -right.length).trimEnd(), ...rest].join('\n');
}

/** Where a line that was taken stands on the screen. */
export interface Region {
  /** Its first row. */
  readonly row: number;
  /** UTF-16 units of its first row that are the prompt. */
  readonly skip: number;
  readonly prompt: string;
}

/** Where the line of `edit` stands whose last row is `last`; null: it is not there. */
export function regionOf(rows: Rows, last: number, edit: Edit): Region | null {
  const broken = edit.broken === rows.at(last) ? edit.brokenBefore : edit.broken;
  const floor = broken === null ? -1 : rows.indexOf(broken);
  const { prompt, startCol } = edit;
  const wanted = prompt.trimEnd();
  for (let row = last; row > floor && row > last - MOST_ROWS; row -= 1) {
    if (rows.start(row) !== row || wanted === '') continue;
    if (rows.head(row, startCol + wanted.length).startsWith(wanted, startCol)) {
      return { row, skip: startCol + prompt.length, prompt };
    }
  }
  if (floor !== -1) return floor < last ? { row: floor + 1, skip: 0, prompt: '' } : null;
  const row = edit.line === null ? -1 : rows.indexOf(edit.line);
  return row === -1 || row > last ? null : { row, skip: edit.before, prompt };
}

/** As `regionOf`, of a line that came with its prompt: a known one, else what looks like one. */
export function knownRegion(rows: Rows, last: number, prompts: Prompts): Region | null {
  for (let row = last; row >= 0 && row > last - MOST_ROWS; row -= 1) {
    if (rows.start(row) !== row) continue;
    const prompt = prompts.at(rows.head(row, LONGEST_PROMPT));
    if (prompt !== null) return { row, skip: prompt.length, prompt };
  }
  const row = rows.start(last);
  const prompt = prompts.guess(rows.join(rows.logical(row)));
  return prompt === null ? null : { row, skip: prompt.length, prompt };
}
