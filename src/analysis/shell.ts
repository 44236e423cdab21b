import type { Line } from '../replay/terminal/line.ts';
import type { SeenLine } from './blocks.ts';
import {
  type Edit,
  type EditState,
  editAt,
  editOf,
  editState,
  knownRegion,
  regionOf,
  withoutRight,
} from './edit.ts';
import { FullScreen, type FullScreenState } from './full-screen.ts';
import { type MarkFamily, markOf } from './marks.ts';
import { Prompts } from './prompts.ts';
import { Terminal, type TerminalState } from './terminal.ts';
import type { TerminalEvents } from './terminal-events.ts';
import { Tracker, type TrackerState } from './tracker.ts';

/** Seconds without output after which somebody seems to be waited for. */
const PAUSE = 0.05;

export interface ShellState {
  readonly terminal: TerminalState;
  readonly tracker: TrackerState;
  readonly prompts: readonly string[];
  readonly full: FullScreenState;
  readonly edit: EditState | null;
  readonly armed: number | null;
  readonly accepts: boolean;
  readonly usesPaste: boolean;
  readonly last: number;
}

/** Finds prompts, and what was typed behind them, in what a terminal shows. */
export class Shell implements TerminalEvents {
  readonly #terminal: Terminal;
  readonly tracker: Tracker;
  readonly #prompts: Prompts;
  readonly #full: FullScreen;
  readonly #tell: (line: SeenLine) => void;
  #edit: Edit | null = null;
  /** A line editor has the cursor's row: the column where that began. */
  #armed: number | null = null;
  /** The line editor is done; its line ends with the next new line. */
  #accepts = false;
  /** Shells here say when they edit a line, so that only they are listened to. */
  #usesPaste = false;
  #last = 0;

  constructor(
    channel: number,
    size: { readonly cols: number; readonly rows: number },
    tell: (line: SeenLine) => void,
    state: ShellState | null,
  ) {
    this.#tell = tell;
    this.#terminal = new Terminal(size.cols, size.rows, this, state?.terminal ?? null);
    this.tracker = new Tracker(channel, state?.tracker ?? null);
    this.#prompts = new Prompts(state?.prompts ?? []);
    const { tracker } = this;
    const around = { terminal: this.#terminal, prompts: this.#prompts, tracker, tell };
    this.#full = new FullScreen(around, state?.full ?? null);
    if (state === null) return;
    this.#edit = state.edit === null ? null : editOf(state.edit, this.#terminal.rows);
    this.#armed = state.armed;
    this.#accepts = state.accepts;
    this.#usesPaste = state.usesPaste;
    this.#last = state.last;
  }

  state(): ShellState {
    return {
      terminal: this.#terminal.state(),
      tracker: this.tracker.state(),
      prompts: this.#prompts.state(),
      full: this.#full.state(),
      edit: this.#edit === null ? null : editState(this.#edit, this.#terminal.rows),
      armed: this.#armed,
      accepts: this.#accepts,
      usesPaste: this.#usesPaste,
      last: this.#last,
    };
  }

  write(text: string, at: number): void {
    this.idle(at);
    this.#last = at;
    this.#terminal.write(text, at, () => this.#isPlain());
  }

  #isPlain(): boolean {
    return this.#edit === null && this.#armed === null && !this.#accepts;
  }

  resize(cols: number, rows: number, at: number): void {
    this.idle(at);
    this.#terminal.resize(cols, rows);
  }

  /** Nothing has come until `at`, seconds. Output of one time is one, however it was cut. */
  idle(at: number): void {
    const since = at - this.#last;
    if (this.#terminal.screen.isAlternate) this.#full.idle(at, this.#last);
    else if (since >= PAUSE) this.#paused();
  }

  end(): void {
    this.#terminal.draw();
    if (this.#terminal.screen.isAlternate) this.#full.picture(this.#last);
    this.#terminal.flush();
    this.tracker.close(this.#last);
  }

  /** Output stands still: in the middle of a line, it may be a prompt. */
  #paused(): void {
    if (this.#edit !== null && this.#edit.waiting !== 'question') return;
    if (this.#accepts || !this.#terminal.isMidLine) return;
    this.#terminal.draw();
    this.#anchor(null);
  }

  #anchor(family: MarkFamily | null): void {
    const edited = this.#armed !== null;
    const { more, isSecondary } = this.tracker;
    const edit = editAt(this.#terminal, this.#armed, family, (prompt) => {
      if (family !== null) return isSecondary ? 'more' : 'shell';
      return this.#prompts.classify(prompt, { edited, more });
    });
    if (edit === null) return;
    this.#edit = edit;
    if (edit.waiting !== 'shell') return;
    this.#prompts.learn(edit.prompt);
    this.#usesPaste = edited;
    this.tracker.back(this.#last);
  }

  command(text: string): void {
    const mark = markOf(text);
    if (mark === null) return;
    if (mark.type === 'input') this.#anchor(mark.family);
    else this.tracker.mark(mark, this.#last);
  }

  paste(on: boolean): void {
    if (this.#terminal.screen.isAlternate) this.#full.paste(on, this.#last);
    else if (on) this.#arm();
    else if (this.#armed !== null) this.#disarm();
  }

  #arm(): void {
    const { screen, rows } = this.#terminal;
    this.#accepts = false;
    this.#armed = screen.col;
    if (this.#edit !== null && this.#edit.family !== null) return;
    this.#edit = null;
    const text = rows.text(rows.start(rows.cursor), rows.cursor + 1);
    if (screen.col === 0 || text === '') return;
    // Some draw their prompt first.
    this.#armed = 0;
    const whole = screen.line.text(0, screen.col);
    const waiting = this.#prompts.classify(whole, { edited: true, more: this.tracker.more });
    if (waiting === 'shell' || waiting === 'more') this.#anchor(null);
    else this.#armed = screen.col;
  }

  #disarm(): void {
    const { screen, rows } = this.#terminal;
    const hasLeft = screen.col === 0 && rows.text(rows.cursor, rows.cursor + 1) === '';
    this.#armed = null;
    if (hasLeft && screen.row > 0) this.#took(rows.cursor - 1);
    else this.#accepts = true;
  }

  newline(): void {
    const { rows } = this.#terminal;
    this.#full.unannounced();
    if (this.#accepts) {
      this.lowered();
    } else if (this.#armed !== null) {
      const edit = this.#edit;
      if (edit === null || edit.isReversed || rows.isFull(rows.cursor)) return;
      edit.brokenBefore = edit.broken;
      edit.broken = rows.at(rows.cursor);
    } else if (this.#edit === null || this.#edit.waiting === 'question') {
      this.#edit = null;
      this.#unasked(rows.cursor);
    } else if (!rows.isFull(rows.cursor)) {
      // From a full row an editor moves to the rest of its line.
      this.#took(rows.cursor);
    }
  }

  lowered(): void {
    if (!this.#accepts) return;
    this.#accepts = false;
    this.#took(this.#terminal.rows.cursor);
  }

  /** A line without a prompt that was waited at: it may have come with what was typed ahead. */
  #unasked(row: number): void {
    const { rows } = this.#terminal;
    if (!this.#usesPaste && this.#prompts.at(rows.join(rows.logical(row))) !== null)
      this.#took(row);
    else this.#terminal.tellLine();
  }

  /** A line is taken that ends on this row. */
  #took(last: number): void {
    const { rows } = this.#terminal;
    const edit = this.#edit;
    this.#edit = null;
    const region =
      edit === null ? knownRegion(rows, last, this.#prompts) : regionOf(rows, last, edit);
    const { more } = this.tracker;
    this.#terminal.flush(region === null ? null : rows.at(region.row));
    this.tracker.more = region !== null && more;
    if (region === null) return;
    const whole = rows.text(region.row, last + 1);
    this.#tellPrompt(this.#terminal.told(rows.slice(region.row, last + 1)), whole);
    this.#terminal.isAddressed = false;
    if (edit === null) {
      this.#prompts.learn(region.prompt);
      this.tracker.back(this.#last);
    }
    this.tracker.took({
      text: withoutRight(whole.slice(region.skip), edit?.right ?? ''),
      at: this.#last,
      waiting: edit?.waiting ?? 'shell',
      family: edit?.family ?? null,
      isLikely: edit === null || this.#usesPaste || edit.waiting === 'more',
    });
  }

  #tellPrompt(from: number, text: string): void {
    this.#tell({ from, to: this.#last, text, stream: 'terminal', kind: 'prompt' });
  }

  line(text: string, from: number, rows: readonly Line[] | null): void {
    const isPrompt = rows === null && !this.#usesPaste && text !== '';
    const prompt = isPrompt ? this.#prompts.at(text) : null;
    if (prompt !== null) {
      this.#tellPrompt(from, text);
      this.tracker.back(this.#last);
      const line = { text: text.slice(prompt.length), at: this.#last, family: null };
      this.tracker.took({ ...line, waiting: 'shell', isLikely: true });
      return;
    }
    if (text !== '') this.tracker.more = false;
    const isAsking = this.#armed !== null || (this.#edit?.waiting ?? 'question') !== 'question';
    const shown = this.#terminal.isAddressed ? 'screen' : 'output';
    const kind = isAsking ? 'prompt' : shown;
    if (kind === 'screen' && !this.#full.isNew(text)) return;
    this.#tell({ from, to: this.#last, text, stream: 'terminal', kind });
  }

  asked(): void {
    const { screen } = this.#terminal;
    if (this.#edit !== null || this.#armed !== null || screen.isAlternate || screen.col === 0)
      return;
    this.#anchor(null);
  }

  reversed(): void {
    if (this.#edit !== null) this.#edit.isReversed = true;
  }

  lineFeed(): void {
    this.#full.lineFeed();
  }

  erasing(): void {
    if (this.#terminal.screen.isAlternate) this.#full.erasing(this.#last);
    else this.#terminal.flush();
  }

  announced(): void {
    this.#full.announced();
  }

  leaving(): void {
    this.#full.picture(this.#last);
  }

  alternate(on: boolean): void {
    this.#edit = null;
    this.#armed = null;
    this.#accepts = false;
    this.#full.switched(on, this.#last);
  }
}
