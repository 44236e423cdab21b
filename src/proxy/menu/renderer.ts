import type { Window } from '../../domain/terminal.ts';
import type { Entry, MenuState } from './model.ts';
import { cut, tail, widthOfText } from './width.ts';
import { ago, HELP, position, SHORT_HELP, TITLE } from './words.ts';

/** Cells of the screen that are painted; what is larger stays empty. */
const MOST_COLS = 400;
const MOST_ROWS = 200;

/** What a terminal can do beyond a VT100. */
export interface Style {
  /** A screen of its own, which leaves what was there before as it was. */
  readonly alternate: boolean;
  readonly unicode: boolean;
}

/** Null: no cursor addressing, so no menu of this kind. */
export function styleOf(term: string): Style | null {
  if (/^(|dumb|unknown|emacs|network|dialup|tty\d*|lpr|printer)$/.test(term)) return null;
  const old = /^vt[0-9]/.test(term);
  return { alternate: !old, unicode: !old };
}

interface Cell {
  /** From 1. */
  readonly col: number;
  readonly text: string;
}

interface Line {
  readonly cells: readonly Cell[];
  readonly bold?: boolean;
  readonly reverse?: boolean;
}

export interface View {
  readonly state: MenuState;
  /** How the last session ended; empty: there was none. */
  readonly notice: string;
  readonly window: Window;
  readonly now: Date;
}

interface Columns {
  readonly name: number;
  readonly address: number;
  readonly used: number;
  readonly tags: number;
}

const GAP = 2;
const USED = 10;

/** Lines of the screen that hold no entries: the most important first. */
function furniture(rows: number, notice: string) {
  return {
    filter: rows >= 2,
    title: rows >= 6,
    notice: notice !== '' && rows >= 4,
    header: rows >= 9,
    position: rows >= 5,
    help: rows >= 8,
  };
}

function rowsOf({ window }: Pick<View, 'window'>): number {
  return Math.min(MOST_ROWS, window.rows);
}

/** Entries that a page shows; at least one. */
export function pageSize(view: Pick<View, 'window' | 'notice'>): number {
  const rows = rowsOf(view);
  const taken = Object.values(furniture(rows, view.notice)).filter(Boolean).length;
  return Math.max(1, rows - taken);
}

/** The last column stays free: terminals differ in what they do after it. */
function columnsOf(entries: readonly Entry[], width: number): Columns {
  const longest = (text: (entry: Entry) => string, most: number): number =>
    Math.min(most, Math.max(0, ...entries.map((entry) => widthOfText(text(entry)))));
  let left = width - 2;
  const take = (wanted: number, least: number): number => {
    if (left < least) return 0;
    const taken = Math.min(wanted, left);
    left -= taken + GAP;
    return taken;
  };
  const half = Math.max(12, Math.floor(width / 3));
  const name = take(
    longest((entry) => entry.name, Math.min(half, left)),
    1,
  );
  const address = take(
    Math.max(
      7,
      longest((entry) => entry.address, half),
    ),
    8,
  );
  const used = take(USED, USED);
  return { name, address, used, tags: take(left, 4) };
}

function rowCells(texts: readonly string[], columns: Columns, mark: string): Cell[] {
  const widths = [columns.name, columns.address, columns.used, columns.tags];
  const cells: Cell[] = [];
  let col = 3;
  for (const [index, width] of widths.entries()) {
    if (width <= 0) continue;
    cells.push({ col, text: cut(texts[index] ?? '', width, mark) });
    col += width + GAP;
  }
  return cells;
}

function frame(view: View, style: Style): { lines: Line[]; cursor: { row: number; col: number } } {
  const { state, notice, now } = view;
  const rows = rowsOf(view);
  const width = Math.min(MOST_COLS, view.window.cols) - 1;
  const mark = style.unicode ? '…' : '~';
  const shows = furniture(rows, notice);
  const size = pageSize(view);
  const first = Math.floor(state.selected / size) * size;
  const page = state.found.slice(first, first + size);
  const columns = columnsOf(page, width);
  const whole = (text: string, more: Partial<Line> = {}): Line => ({
    cells: [{ col: 1, text: cut(text, width, mark) }],
    ...more,
  });
  const lines: Line[] = [];
  if (shows.title) lines.push(whole(TITLE, { bold: true }));
  if (shows.notice) lines.push(whole(notice));
  const label = width >= 20 ? 'Filter: ' : '/';
  const typed = tail(state.filter, width - widthOfText(label));
  const cursor = { row: lines.length + 1, col: Math.max(1, widthOfText(label + typed) + 1) };
  if (shows.filter) lines.push({ cells: [{ col: 1, text: label + typed }] });
  if (shows.header) {
    const titles = ['NAME', 'ADDRESS', 'LAST USED', 'TAGS'];
    lines.push({ cells: rowCells(titles, columns, mark) });
  }
  for (const [index, entry] of page.entries()) {
    const texts = [entry.name, entry.address, ago(entry.lastUsedAt, now), entry.tags];
    const reverse = first + index === state.selected;
    const cells = rowCells(texts, columns, mark);
    lines.push({ cells: [{ col: 1, text: reverse ? '>' : ' ' }, ...cells], reverse });
  }
  for (let empty = page.length; empty < size; empty += 1) lines.push({ cells: [] });
  const { found, entries } = state;
  const last = first + page.length;
  if (shows.position) lines.push(whole(position(first + 1, last, found.length, entries.length)));
  if (shows.help) lines.push(whole(width >= HELP.length ? HELP : SHORT_HELP));
  return { lines, cursor };
}

/** A line as it is written: cleared, then each cell at its column, so that no width adds up wrong. */
function written(row: number, line: Line, style: Style): string {
  const on = `${line.bold === true ? '\x1b[1m' : ''}${line.reverse === true ? '\x1b[7m' : ''}`;
  const cells = line.cells.map(({ col, text }) => {
    const fit = style.unicode ? text : ascii(text);
    return `\x1b[${row};${col}H${fit}`;
  });
  const begin = `\x1b[${row};1H\x1b[K`;
  return on === '' ? begin + cells.join('') : `${begin}${on}${cells.join('')}\x1b[m`;
}

/** For a terminal without other characters: each column of another one is a question mark. */
function ascii(text: string): string {
  return [...text]
    .map((char) => (/^[\x20-\x7e]$/.test(char) ? char : '?'.repeat(widthOfText(char))))
    .join('');
}

/** What programs may have left behind: margins, origin, keypad, colours, character set, cursor. */
const VT100_RESET = '\x1b[r\x1b[?6l\x1b[?7h\x1b[?1l\x1b>\x1b[m\x0f';
const MORE_RESET = '\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?25h';

/**
 * Paints a menu with what a VT100 understands; writes only the lines that changed. The cursor always
 * stands where the next character of the filter goes, for those who read the screen by it.
 */
export class Renderer {
  readonly #style: Style;
  #shown: string[] = [];
  #size = '';

  constructor(style: Style) {
    this.#style = style;
  }

  /** Before the first paint. */
  enter(): string {
    this.#shown = [];
    this.#size = '';
    // First the other screen, which remembers where the cursor was: taking margins back moves it.
    return this.#style.alternate ? `\x1b[?1049h${VT100_RESET}${MORE_RESET}` : VT100_RESET;
  }

  paint(view: View): string {
    const { lines, cursor } = frame(view, this.#style);
    const size = `${view.window.cols}x${view.window.rows}`;
    let out = '';
    if (size !== this.#size) {
      this.#size = size;
      this.#shown = [];
      out += '\x1b[2J';
    }
    const rows = lines.map((line, index) => written(index + 1, line, this.#style));
    for (const [index, row] of rows.entries()) {
      if (this.#shown[index] !== row) out += row;
    }
    this.#shown = rows;
    return `${out}\x1b[${cursor.row};${cursor.col}H`;
  }

  /** Gives the screen back. */
  leave(): string {
    return this.#style.alternate ? '\x1b[m\x1b[?1049l' : '\x1b[m\x1b[H\x1b[2J';
  }
}
