import type { Line } from '../replay/terminal/line.ts';
import { PLAIN } from '../replay/terminal/pen.ts';
import type { Screen } from '../replay/terminal/screen.ts';
import { bodySpan, goesOn, hasKeyMark, type KeyLine, keyLineOf } from './key-block.ts';
import type { Masks } from './masks.ts';
import type { RuleSet } from './rule-set.ts';
import { cellsOf, lineOf, linesOf, type ScreenLine } from './screen-lines.ts';
import type { Span } from './span.ts';

/** Rows that leave the screen between two looks; a terminal keeps a hundred above it. */
const MOST_FEEDS = 40;

/** Lines in a row, and their characters, that look like the middle of a key. */
const RUN = 3;
const WIDE = 40;

/** In the second word of a cell: written by an event, and whether what it wrote is a space. */
const WRITTEN = 1;
const SPACE = 2;
const SHIFT = 4;

/** Characters of which is known what they were drawn over. */
const MOST_BEFORE = 100_000;

/** UTF-16 units of an event. */
const EVENT = 2 ** 23;

/** A character of a recording as one number. */
function placeOf(event: number, bg: number): number {
  return event * EVENT + Math.floor(bg / SHIFT);
}

/**
 * A screen on which each character knows where it came from: instead of colours, its cells hold the event, and
 * the place in its text. What is secret in a line that can be read on it is masked there.
 */
export class TracedScreen {
  readonly screen: Screen;
  readonly #rules: RuleSet;
  readonly #masks: Masks;
  readonly #pen = { fg: 0, bg: 0 };
  readonly #changed = new Set<Line>();
  /** Rows of private keys. */
  readonly #keys = new WeakSet<Line>();
  #hasKeys = false;
  /** A key has begun, and its end was not seen; programs with the whole screen go back to what was before it. */
  #isOpen = false;
  #feeds = 0;
  /** The row that changed last; null: since the last look none has. */
  #last: Line | null = null;
  /** The cursor went back to the beginning of a line that has changed. */
  #hasReturned = false;
  /** Characters that stood where the same ones stand now; see placeOf. */
  readonly #before = new Map<number, number>();

  constructor(screen: Screen, rules: RuleSet, masks: Masks) {
    this.screen = screen;
    this.#rules = rules;
    this.#masks = masks;
  }

  /** Prints a character of the event that stands at `at` in its text. */
  print(character: number, event: number, at: number): void {
    const { screen } = this;
    // What stands in the line is about to be written over.
    if (this.#hasReturned) this.look();
    this.#pen.fg = event;
    this.#pen.bg = at * SHIFT + (character === 0x20 ? SPACE : 0) + WRITTEN;
    this.#noteOverwritten(character);
    screen.pen = this.#pen;
    screen.print(character);
    screen.pen = PLAIN;
    this.#change();
  }

  #change(): void {
    const { line } = this.screen;
    if (line === this.#last) return;
    this.#last = line;
    this.#changed.add(line);
  }

  /** A line is drawn anew: what is secret in it now was there before, too. */
  #noteOverwritten(character: number): void {
    const { screen } = this;
    const isPast = screen.col >= screen.cols;
    if (isPast && screen.row >= screen.rows - 1) return;
    const row = screen.grid.row(isPast ? screen.row + 1 : screen.row);
    const col = isPast ? 0 : screen.col;
    if (row.character(col) !== character || character === 0x20) return;
    const { fg, bg } = row.pen(col);
    if ((bg & WRITTEN) === 0) return;
    this.#before.set(placeOf(this.#pen.fg, this.#pen.bg), placeOf(fg, bg));
    if (this.#before.size <= MOST_BEFORE) return;
    for (const oldest of this.#before.keys()) {
      this.#before.delete(oldest);
      break;
    }
  }

  /** REP: what is repeated came from where the first one did. */
  repeat(times: number): void {
    const { screen } = this;
    if (screen.col === 0) return;
    const { fg, bg } = screen.line.pen(screen.col - 1);
    const character = screen.line.character(screen.col - 1);
    const most = Math.min(times, screen.cols * screen.rows);
    for (let n = 0; n < most; n += 1) {
      Object.assign(this.#pen, { fg, bg });
      screen.pen = this.#pen;
      screen.print(character);
      this.#change();
    }
    screen.pen = PLAIN;
  }

  beforeReturn(): void {
    this.#hasReturned = this.#last !== null;
  }

  /** Rows move up: what leaves the screen is looked at while it can be. */
  beforeFeed(): void {
    this.#hasReturned = false;
    this.#feeds += 1;
    if (this.screen.isAlternate || this.#feeds >= MOST_FEEDS) this.look();
  }

  /** Looks at the lines that have changed, and at what follows where that makes a difference. */
  look(): void {
    this.#feeds = 0;
    this.#last = null;
    this.#hasReturned = false;
    if (this.#changed.size === 0) return;
    const rows = this.screen.grid.lines;
    let isNext = false;
    for (let at = 0; at < rows.length; at += 1) {
      const from = at;
      let isChanged = this.#isChanged(rows[at]);
      while (rows[at]?.wrapped === true && at < rows.length - 1) {
        at += 1;
        isChanged ||= this.#isChanged(rows[at]);
      }
      if (isChanged || isNext) isNext = this.#lookAt(rows, from, at + 1);
    }
    if (this.#isOpen) this.#coverRuns(rows);
    this.#changed.clear();
  }

  /** Nothing more is known now, and what stands there may go on: it is looked at with these rules, too. */
  lookAgain(rules: RuleSet): void {
    const { screen } = this;
    for (const grid of screen.isAlternate ? [screen.primary, screen.grid] : [screen.grid]) {
      for (const line of linesOf(grid.lines)) {
        for (const span of rules.find(line.text)) this.#cover(line, span);
      }
    }
  }

  /** Programs that draw the whole screen anew show a key's middle by itself. */
  #coverRuns(rows: readonly Line[]): void {
    let run: ScreenLine[] = [];
    for (let at = 0; at <= rows.length; at += 1) {
      const from = at;
      while (rows[at]?.wrapped === true && at < rows.length - 1) at += 1;
      const line = lineOf(rows.slice(from, at + 1));
      if (line.text.trim().length >= WIDE && keyLineOf(line.text) === 'body') {
        run.push(line);
        continue;
      }
      if (run.length >= RUN) for (const one of run) this.#cover(one, bodySpan(one.text));
      run = [];
    }
  }

  #isChanged(row: Line | undefined): boolean {
    return row !== undefined && this.#changed.has(row);
  }

  /** Looks at the line of the rows `from` to before `to`; answers whether it is a key's, and was not. */
  #lookAt(all: readonly Line[], from: number, to: number): boolean {
    const line = lineOf(all.slice(from, to));
    for (const span of this.#rules.find(line.text)) this.#cover(line, span);
    // Most recordings have none.
    this.#hasKeys ||= this.#rules.hidesKeys && hasKeyMark(line.text);
    if (!this.#hasKeys) return false;
    const above = all[from - 1];
    const inside = above !== undefined && this.#keys.has(above);
    const kind = inside || hasKeyMark(line.text) ? keyLineOf(line.text) : 'other';
    if (inside && (kind === 'body' || kind === 'field')) this.#cover(line, bodySpan(line.text));
    if (kind === 'end') this.#coverAbove(all, from);
    this.#note(kind);
    return this.#mark(line, goesOn(kind, inside));
  }

  #note(kind: KeyLine): void {
    if (kind === 'begin') this.#isOpen = true;
    if (kind === 'end' && !this.screen.isAlternate) this.#isOpen = false;
  }

  /** Answers whether it is a key's, and was not. */
  #mark(line: ScreenLine, isKey: boolean): boolean {
    let isNew = false;
    for (const row of line.rows) {
      if (!isKey) this.#keys.delete(row);
      else if (!this.#keys.has(row)) {
        isNew = true;
        this.#keys.add(row);
      }
    }
    return isNew;
  }

  /** The end of a key is seen: what stands above it is the key, also where its beginning is not. */
  #coverAbove(all: readonly Line[], end: number): void {
    for (let at = end; at > 0; ) {
      let from = at - 1;
      while (from > 0 && all[from - 1]?.wrapped === true) from -= 1;
      const line = lineOf(all.slice(from, at));
      const kind = keyLineOf(line.text);
      if (kind !== 'body' && kind !== 'field' && kind !== 'blank') return;
      this.#cover(line, bodySpan(line.text));
      at = from;
    }
  }

  #cover(line: ScreenLine, { from, to }: Span): void {
    let event = -1;
    let [first, last] = [0, 0];
    const add = (): void => {
      if (event !== -1) this.#masks.add(event, { from: first, to: last, kind: 'cover' });
    };
    for (const { row, col } of cellsOf(line, from, to)) {
      const { fg, bg } = row.pen(col);
      // A blank that nobody wrote may have the pen of what made it.
      const isBlank = row.character(col) === 0x20;
      if ((bg & WRITTEN) === 0 || isBlank !== ((bg & SPACE) !== 0)) continue;
      const at = Math.floor(bg / SHIFT);
      this.#coverBefore(placeOf(fg, bg));
      if (fg !== event || at !== last) {
        add();
        [event, first] = [fg, at];
      }
      last = at + 1;
    }
    add();
  }

  #coverBefore(place: number): void {
    let before = this.#before.get(place);
    while (before !== undefined) {
      const at = before % EVENT;
      const mask = { from: at, to: at + 1, kind: 'cover' } as const;
      // What was drawn before that is masked already where this is.
      if (!this.#masks.add(Math.floor(before / EVENT), mask)) return;
      before = this.#before.get(before);
    }
  }
}
