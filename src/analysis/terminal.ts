import { Emulator, type EmulatorState } from '../replay/terminal/emulator.ts';
import type { Line } from '../replay/terminal/line.ts';
import type { Parameters } from '../replay/terminal/sgr.ts';
import { LazyLines, type LazyState } from './lazy-lines.ts';
import { Rows } from './rows.ts';
import type { TerminalEvents } from './terminal-events.ts';
import { WrittenRows, type WrittenState } from './written-rows.ts';

/** Larger terminals are followed as of this size. */
const MOST_COLS = 1000;
const MOST_ROWS = 500;

/** Control sequences that lead anywhere on the screen, or keep a part of it still. */
const MOVES = ['H', 'f', 'r', 'd'];

/** Characters without a new line after which what is there counts as a line. */
const LONGEST_LINE = 4000;

export interface TerminalState {
  readonly emulator: EmulatorState;
  readonly lazy: LazyState | null;
  readonly written: WrittenState;
  readonly isAddressed: boolean;
  /** Seconds. */
  readonly now: number;
  readonly run: number;
  readonly afterNewline: boolean;
}

/**
 * A terminal that tells of lines as they become whole. Plain lines, most of all output, are told of
 * without drawing them: the screen is brought up to date when something else comes.
 */
export class Terminal extends Emulator {
  readonly #events: TerminalEvents;
  /** Of the primary screen and what is above it. */
  readonly #written = new WrittenRows();
  #lazy: LazyLines | null = null;
  #muted = false;
  #now = 0;
  /** Characters since the last new line. */
  #run = 0;
  /** Whether a new line was the last that came. */
  #afterNewline = false;
  /** Whether rows were written out of their order since a shell last had the screen. */
  isAddressed = false;

  constructor(cols: number, rows: number, events: TerminalEvents, state: TerminalState | null) {
    super(Math.min(MOST_COLS, cols), Math.min(MOST_ROWS, rows));
    this.#events = events;
    if (state !== null) this.#restore(state);
  }

  #restore(state: TerminalState): void {
    this.takeUp(state.emulator);
    this.#written.restore(state.written, this.screen.primary.lines);
    if (state.lazy !== null) this.#lazy = new LazyLines(state.lazy);
    this.isAddressed = state.isAddressed;
    this.#run = state.run;
    this.#now = state.now;
    this.#afterNewline = state.afterNewline;
  }

  state(): TerminalState {
    return {
      emulator: this.snapshot(),
      lazy: this.#lazy?.state() ?? null,
      written: this.#written.state(this.screen.primary.lines),
      isAddressed: this.isAddressed,
      now: this.#now,
      run: this.#run,
      afterNewline: this.#afterNewline,
    };
  }

  get rows(): Rows {
    return new Rows(this.screen);
  }

  /** Whether nothing but the beginning of a line stands on the cursor's row. */
  get isMidLine(): boolean {
    if (this.#lazy !== null) return this.#lazy.isMidLine;
    return this.screen.col > 0;
  }

  get isLazy(): boolean {
    return this.#lazy !== null;
  }

  /** `plain`: nobody has to see where what comes stands. `at`: seconds. */
  write(text: string, at: number, plain: () => boolean): void {
    this.#now = at;
    let from = 0;
    while (from < text.length) {
      if (this.#lazy === null && plain() && this.#isFresh()) this.#lazy = new LazyLines(null);
      const lazy = this.#lazy;
      if (lazy === null) {
        // A piece at a time, so that what it does can be looked at.
        const end = this.#pieceEnd(text, from);
        super.feed(text.slice(from, end));
        this.#afterNewline = text[end - 1] === '\n';
        from = end;
        continue;
      }
      from = lazy.take(text, from, at, (line, began) => this.#events.line(line, began, null));
      if (from < text.length || !plain()) this.draw();
    }
  }

  /** Up to and with the next new line. */
  #pieceEnd(text: string, from: number): number {
    const newline = text.indexOf('\n', from);
    return newline === -1 ? text.length : newline + 1;
  }

  /** Brings the screen up to date with lines that were not drawn. */
  draw(): void {
    const lazy = this.#lazy;
    if (lazy === null) return;
    this.#lazy = null;
    this.#afterNewline = false;
    this.#muted = true;
    super.feed(lazy.text(this.screen.rows));
    this.#muted = false;
    if (lazy.half === '' && !lazy.hasReturn) return;
    const now = this.#now;
    this.#now = lazy.began;
    super.feed(`${lazy.half}${lazy.hasReturn ? '\r' : ''}`);
    this.#now = now;
  }

  override resize(cols: number, rows: number): void {
    this.draw();
    super.resize(Math.min(MOST_COLS, cols), Math.min(MOST_ROWS, rows));
  }

  /** Takes rows out of those that have to be told of; answers since when. */
  told(rows: readonly Line[]): number {
    return this.#written.take(rows, this.#now);
  }

  /** Tells of everything that was written and not told of, above `before`, or all. */
  flush(before: Line | null = null): void {
    if (this.#written.isEmpty || this.screen.isAlternate) return;
    const rows = this.rows;
    const end = before === null ? Number.POSITIVE_INFINITY : rows.indexOf(before);
    for (let at = rows.first; at < Math.min(end, rows.end); ) {
      const lines = rows.logical(at);
      if (lines.some((line) => this.#written.has(line))) this.#tell(lines);
      at = rows.start(at) + lines.length;
    }
    if (before !== null) return;
    this.#written.clear();
  }

  #tell(lines: readonly Line[]): void {
    const text = this.rows.join(lines);
    this.#events.line(text, this.told(lines), lines);
  }

  /** At the beginning of an empty row of a screen that scrolls as a whole. */
  #isFresh(): boolean {
    const { screen } = this;
    if (!this.#afterNewline || screen.isAlternate || screen.col !== 0) return false;
    if (this.unfinished !== '' || screen.top !== 0 || screen.bottom !== screen.rows - 1)
      return false;
    if (!screen.wraps || screen.inserts || screen.newLine || screen.charset !== 0) return false;
    if (screen.drawing[0] || this.#written.hasKept(screen.primary.lines)) return false;
    const { line } = screen;
    return line.trailing === line.length && !this.rows.isContinued(screen.row);
  }

  override print(character: number): void {
    super.print(character);
    this.#wrote(1);
  }

  /** A row at a time, so that it is the same however it was cut. */
  override printAscii(text: string, from: number, to: number): void {
    const { screen } = this;
    for (let at = from; at < to; ) {
      const room = Math.max(1, Math.min(screen.cols - screen.col, LONGEST_LINE - this.#run));
      const end = Math.min(to, at + room);
      super.printAscii(text, at, end);
      this.#wrote(end - at);
      at = end;
    }
  }

  #mark(): void {
    if (this.#muted || this.screen.isAlternate) return;
    const { line, primary } = this.screen;
    this.#written.add(line, this.#now, primary.lines);
  }

  #wrote(n: number): void {
    if (this.#muted || this.screen.isAlternate) return;
    if (this.screen.line !== this.#written.last) this.#mark();
    this.#run += n;
    if (this.#run < LONGEST_LINE) return;
    this.#run = 0;
    const { row } = this.screen;
    if (row === 0) return;
    // What comes is the next line's.
    const above = this.screen.grid.row(row - 1);
    if (!above.wrapped) return;
    const lines = this.rows.logical(this.rows.first + row).slice(0, -1);
    above.wrapped = false;
    this.#tell(lines);
  }

  override execute(control: number): void {
    const leaves = (control >= 0x0a && control <= 0x0c) || control === 0x84 || control === 0x85;
    if (leaves && !this.#muted) {
      if (this.screen.isAlternate) this.#events.lineFeed();
      else this.#newline();
    }
    super.execute(control);
  }

  #newline(): void {
    this.#run = 0;
    this.#events.newline();
  }

  /** Tells of the line that the cursor is on, where it was written. An empty one counts too. */
  tellLine(): void {
    const lines = this.rows.logical(this.rows.first + this.screen.row);
    const isWritten = lines.some((line) => this.#written.has(line));
    if (isWritten) this.#tell(lines);
    else if (!this.isAddressed && lines.every((line) => line.trailing === line.length)) {
      this.#events.line('', this.#now, lines);
    }
  }

  command(text: string): void {
    if (!this.#muted) this.#events.command(text);
  }

  override control(intermediate: number, list: Parameters, final: number): void {
    if (this.#muted) {
      super.control(intermediate, list, final);
      return;
    }
    const mark = intermediate === 0 ? '' : String.fromCharCode(intermediate);
    const kind = `${mark}${String.fromCharCode(final)}`;
    this.#before(kind, list.first(0));
    if (kind === '?l' && this.#announces(list)) this.#events.announced();
    const was = this.screen.isAlternate;
    super.control(intermediate, list, final);
    const { isAlternate } = this.screen;
    if (isAlternate !== was) {
      this.#written.last = null;
      this.#events.alternate(isAlternate);
    }
    if (list.first(0) !== 2004) return;
    if (kind === '?h') this.#events.paste(true);
    if (kind === '?l') this.#events.paste(false);
  }

  /** What is told of a control sequence before it is done. */
  #before(kind: string, first: number): void {
    const changes = [47, 1047, 1049].includes(first);
    if (this.screen.isAlternate) {
      if (kind === '?l' && changes) this.#events.leaving();
      else if (kind === 'J' && first >= 2) this.#events.erasing();
    } else if (MOVES.includes(kind)) {
      this.isAddressed = true;
    } else if ((kind === 'J' && first >= 2) || (kind === '?h' && changes)) {
      this.#events.erasing();
    } else {
      this.#tellOf(kind, first);
    }
  }

  /**
   * Tmux switches all ways of mouse reports off when it has the screen, screen sends the terminal's initialisation
   * (`is2` of xterm's kind) before it takes it.
   */
  #announces(list: Parameters): boolean {
    if (this.screen.isAlternate) return list.first(0) === 1005;
    return list.first(0) === 3 && list.first(1) === 4;
  }

  #tellOf(kind: string, first: number): void {
    if (kind === 'n' && first === 6) this.#events.asked();
    else if (kind === 'm' && first === 7) this.#events.reversed();
    else if (kind === 'B' || kind === 'E') this.#events.lowered();
  }
}
