import type { Line } from '../replay/terminal/line.ts';
import type { Screen } from '../replay/terminal/screen.ts';
import { isSamePane, outside, type Pane, type PaneRow, paneAt, paneRows } from './pane.ts';
import type { Prompts, Waiting } from './prompts.ts';
import type { Tracker } from './tracker.ts';

/** Rows that one command may take in a pane. */
const MOST_ROWS = 100;

/** What a pane in which somebody reads what went by has at the end of its first row. */
const READING_BACK = /\[\d+\/\d+\]$/;

/** A line that a shell in a pane is asking for. */
interface PaneEdit {
  readonly pane: Pane;
  readonly prompt: string;
  readonly waiting: Waiting;
  /** As it was last seen, and whether that reached the pane's edge. */
  text: string;
  endsFull: boolean;
  /** Of the pane: where it begins, and what stands above it. */
  row: number;
  above: readonly string[];
  /** The rows that it took. */
  height: number;
  /** What is to be seen of other panes. */
  outside: string;
  /** Null: it has gone. */
  line: Line | null;
  /** Its text when the cursor went on to the next row; null: it did not. */
  entered: string | null;
  /** The screen was erased since. */
  isErased: boolean;
  /** Bracketed paste was on. */
  isEdited: boolean;
}

export interface MultiplexerState {
  readonly edit: (Omit<PaneEdit, 'line'> & { readonly line: number }) | null;
  readonly taken: string | null;
  readonly isEdited: boolean;
}

/** Where a line stands now, in rows of its pane. */
interface Found {
  readonly row: number;
  readonly text: string;
  readonly height: number;
  /** Its last row reaches the pane's edge. */
  readonly endsFull: boolean;
}

/** Text that goes over a pane's edge, from a row on. */
function textFrom(rows: readonly PaneRow[], row: number): Found {
  let text = '';
  let at = row;
  let endsFull = false;
  for (; at < rows.length && at < row + MOST_ROWS; at += 1) {
    const { text: own, isFull } = rows[at] ?? { text: '', isFull: false };
    text += own;
    if (own !== '') endsFull = isFull;
    if (!isFull) break;
  }
  return { row, text, height: at + 1 - row, endsFull };
}

/**
 * Finds commands of shells in tmux and screen, which draw them on a screen of their own. A line begins where
 * output stands still behind a prompt with nothing below it in its pane, and was taken when the cursor is below
 * it, or it has gone with what scrolled. Windows and panes that are drawn anew tell nothing.
 */
export class Multiplexer {
  readonly #screen: Screen;
  readonly #prompts: Prompts;
  readonly #tracker: Tracker;
  #edit: PaneEdit | null = null;
  /** The last line that was taken, with its prompt. */
  #taken: string | null = null;
  /** A line editor has the pane. */
  isEdited: boolean;

  constructor(
    { screen, prompts, tracker }: { screen: Screen; prompts: Prompts; tracker: Tracker },
    state: MultiplexerState | null,
  ) {
    this.#screen = screen;
    this.#prompts = prompts;
    this.#tracker = tracker;
    this.#taken = state?.taken ?? null;
    this.isEdited = state?.isEdited ?? false;
    if (state === null || state.edit === null) return;
    const { line, ...edit } = state.edit;
    this.#edit = { ...edit, line: screen.grid.lines[line] ?? null };
  }

  state(): MultiplexerState {
    const edit = this.#edit;
    const { lines } = this.#screen.grid;
    return {
      edit:
        edit === null
          ? null
          : { ...edit, line: edit.line === null ? -1 : lines.indexOf(edit.line) },
      taken: this.#taken,
      isEdited: this.isEdited,
    };
  }

  /** `at`: when what is to be seen came, seconds. `isStill`: nothing came since, for a while. */
  look(at: number, isStill: boolean): void {
    const edit = this.#edit;
    if (edit !== null) this.#follow(edit, at, isStill);
    if (this.#edit === null && isStill) this.#begin(at);
  }

  /** Before the cursor goes to the next row. */
  lineFeed(): void {
    const edit = this.#edit;
    if (edit === null) return;
    const { pane, row, height, prompt, text } = edit;
    const own = this.#screen.row - pane.top;
    if (own < row || own >= row + height) return;
    const found = textFrom(paneRows(this.#screen, pane), row);
    if (`${found.text} `.startsWith(`${prompt}${text}`)) {
      edit.entered = found.text.slice(prompt.length);
    }
  }

  /** Before the whole screen is erased. */
  erasing(at: number): void {
    this.leaving(at);
    if (this.#edit !== null) this.#edit.isErased = true;
  }

  /** Before the screen is left, or shows another window: a shell's last command may have done that. */
  leaving(at: number): void {
    const edit = this.#edit;
    if (edit !== null && edit.entered !== null) this.#took(edit, edit.entered, at);
  }

  #begin(at: number): void {
    const { row, col, cols, cursorVisible } = this.#screen;
    if (!cursorVisible || col === 0) return;
    const pane = paneAt(this.#screen, row, col);
    const rows = paneRows(this.#screen, pane);
    const own = row - pane.top;
    if (rows.slice(own + 1).some(({ text }) => text !== '')) return;
    const line = this.#screen.grid.row(row);
    const before = line.text(pane.left, Math.min(col, cols));
    if (line.text(col, pane.right).trim() !== '') return;
    const waits = this.#waits(before, rows[own - 1]?.text ?? '');
    if (waits === null) return;
    const [prompt, waiting] = waits;
    this.#edit = {
      ...{ pane, prompt, waiting, text: before.slice(prompt.length), endsFull: false, row: own },
      ...{ height: 1, entered: null, isErased: false },
      above: textsOf(rows, own),
      outside: outside(this.#screen, pane),
      ...{ line, isEdited: this.isEdited },
    };
    if (waiting !== 'shell') return;
    this.#tracker.back(at);
  }

  /** The prompt before the cursor, and whose that is; null: nobody's. */
  #waits(before: string, above: string): readonly [string, Waiting] | null {
    const known = this.#prompts.exact(before);
    const isBelow = this.#taken !== null && above !== '' && this.#taken.endsWith(above);
    const more = this.#tracker.more && isBelow;
    const waiting = this.#prompts.classify(before, { edited: this.isEdited, more });
    if (waiting === 'more') return [before, waiting];
    if (!isBelow) this.#tracker.more = false;
    if (waiting === 'shell') {
      this.#prompts.learn(before);
      return [before, waiting];
    }
    return known === null ? null : [known, 'shell'];
  }

  #follow(edit: PaneEdit, at: number, isStill: boolean): void {
    const { row, col } = this.#screen;
    const pane = paneAt(this.#screen, row, col);
    if (!isSamePane(pane, edit.pane)) {
      if (isStill) this.#edit = null;
      return;
    }
    const rows = paneRows(this.#screen, pane);
    const found = this.#find(edit, rows);
    const own = row - pane.top;
    if (found === null) {
      if (this.#hasGone(edit, rows)) this.#took(edit, edit.entered ?? edit.text, at);
      else if (isStill) this.#edit = null;
    } else if (own >= found.row && own < found.row + found.height) {
      this.#stays(edit, found, rows);
    } else if (own > found.row) {
      this.#below(edit, found, rows, at);
    } else if (isStill) {
      this.#edit = null;
    }
  }

  /** Where the line is that was begun: where it was, or further up with all that stood above it. */
  #find(edit: PaneEdit, rows: readonly PaneRow[]): Found | null {
    const { prompt, text, row, above } = edit;
    for (let up = 0; up <= row; up += 1) {
      const at = row - up;
      const wanted = up === 0 ? prompt : `${prompt}${text}`;
      const found = textFrom(rows, at);
      if (!`${found.text} `.startsWith(wanted.trimEnd())) continue;
      const same = above.slice(up);
      if (!same.every((one, index) => one === rows[index]?.text)) continue;
      const isSure = text !== '' || same.some((one) => one !== '');
      if (isSure || this.#isSameWindow(edit)) return found;
    }
    return null;
  }

  #isSameWindow({ pane, outside: before, isErased }: PaneEdit): boolean {
    return !isErased && outside(this.#screen, pane) === before;
  }

  #stays(edit: PaneEdit, { row, text, height, endsFull }: Found, rows: readonly PaneRow[]): void {
    edit.text = text.slice(edit.prompt.length);
    edit.endsFull = endsFull;
    edit.row = row;
    edit.height = height;
    edit.outside = outside(this.#screen, edit.pane);
    edit.entered = null;
    edit.isErased = false;
    edit.above = textsOf(rows, row);
    edit.line = this.#screen.grid.row(edit.pane.top + row);
    edit.isEdited = this.isEdited;
  }

  /** The cursor is below the line: it was taken, unless it stands there again, below a list to choose from. */
  #below(edit: PaneEdit, { text }: Found, rows: readonly PaneRow[], at: number): void {
    const typed = text.slice(edit.prompt.length).trimEnd();
    const again = textFrom(rows, this.#screen.row - edit.pane.top);
    if (typed !== '' && again.text.startsWith(`${edit.prompt}${typed}`)) {
      this.#stays(edit, again, rows);
      return;
    }
    // A line that ends at the pane's edge does not go on in what was written below it.
    this.#took(edit, edit.endsFull ? edit.text : typed, at);
  }

  /** Whether the line went up and away, and nobody changed to another window. */
  #hasGone(edit: PaneEdit, rows: readonly PaneRow[]): boolean {
    if (READING_BACK.test(rows[0]?.text ?? '')) return false;
    if (edit.line === null || !this.#screen.grid.lines.includes(edit.line)) return true;
    return edit.outside !== '' && this.#isSameWindow(edit);
  }

  #took({ prompt, waiting, isEdited }: PaneEdit, text: string, at: number): void {
    this.#edit = null;
    this.#taken = `${prompt}${text}`.trimEnd();
    this.#tracker.took({ text, at, waiting, family: null, isLikely: isEdited });
  }
}

function textsOf(rows: readonly PaneRow[], end: number): readonly string[] {
  return rows.slice(0, end).map(({ text }) => text);
}
