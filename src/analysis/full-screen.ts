import type { SeenLine } from './blocks.ts';
import { Multiplexer, type MultiplexerState } from './multiplexer.ts';
import type { Prompts } from './prompts.ts';
import { ScreenDiff, type ScreenDiffState } from './screen-diff.ts';
import type { Terminal } from './terminal.ts';
import type { Tracker } from './tracker.ts';

/** Seconds without output after which somebody seems to be waited for in a pane. */
const PAUSE = 0.05;

/** Seconds without output after which the picture is looked at, and at the latest. */
const PICTURE_PAUSE = 0.3;
const PICTURE_LATEST = 2;

export interface FullScreenState {
  readonly diff: ScreenDiffState;
  readonly pictured: number;
  readonly isAnnounced: boolean;
  readonly multiplexer: MultiplexerState | null;
}

interface Surroundings {
  readonly terminal: Terminal;
  readonly prompts: Prompts;
  readonly tracker: Tracker;
  readonly tell: (line: SeenLine) => void;
}

/** What programs draw that have the whole screen. */
export class FullScreen {
  readonly #around: Surroundings;
  readonly #diff: ScreenDiff;
  /** When the picture was last looked at, seconds. */
  #pictured: number;
  /** What came last says that a multiplexer begins. */
  #isAnnounced: boolean;
  #multiplexer: Multiplexer | null = null;

  constructor(around: Surroundings, state: FullScreenState | null) {
    this.#around = around;
    this.#diff = new ScreenDiff(state?.diff ?? null);
    this.#pictured = state?.pictured ?? 0;
    this.#isAnnounced = state?.isAnnounced ?? false;
    if (state === null || state.multiplexer === null) return;
    this.#multiplexer = this.#multiplexerOf(state.multiplexer);
  }

  state(): FullScreenState {
    return {
      diff: this.#diff.state(),
      pictured: this.#pictured,
      isAnnounced: this.#isAnnounced,
      multiplexer: this.#multiplexer?.state() ?? null,
    };
  }

  #multiplexerOf(state: MultiplexerState | null): Multiplexer {
    const { terminal, prompts, tracker } = this.#around;
    return new Multiplexer({ screen: terminal.screen, prompts, tracker }, state);
  }

  /** A multiplexer says that it is there: screen before it takes the screen, tmux when it has it. */
  announced(): void {
    if (this.#around.terminal.screen.isAlternate) this.#enter();
    else this.#isAnnounced = true;
  }

  #enter(): void {
    if (this.#multiplexer !== null) return;
    this.#multiplexer = this.#multiplexerOf(null);
    this.#around.tracker.enter();
  }

  /** A shell goes on: what was said of a multiplexer was something else. */
  unannounced(): void {
    this.#isAnnounced = false;
  }

  /** The screen is shown, or not any more. */
  switched(on: boolean, at: number): void {
    if (on) {
      this.#pictured = at;
      if (this.#isAnnounced) this.#enter();
    } else if (this.#multiplexer !== null) {
      this.#multiplexer.leaving(at);
      this.#multiplexer = null;
      this.#around.tracker.leave(at);
    }
    this.#isAnnounced = false;
  }

  /** A line editor begins in a pane, or is done: what it had may be overwritten in the same instant. */
  paste(on: boolean, at: number): void {
    if (!on) this.#multiplexer?.look(at, false);
    if (this.#multiplexer !== null) this.#multiplexer.isEdited = on;
  }

  lineFeed(): void {
    this.#multiplexer?.lineFeed();
  }

  erasing(at: number): void {
    this.#multiplexer?.erasing(at);
  }

  /** Nothing has come from `last` until `at`, seconds. */
  idle(at: number, last: number): void {
    const since = at - last;
    if (since <= 0) return;
    this.#multiplexer?.look(last, since >= PAUSE);
    if (since >= PICTURE_PAUSE || at - this.#pictured >= PICTURE_LATEST) this.picture(last);
  }

  picture(at: number): void {
    this.#pictured = at;
    const isSplit = this.#multiplexer !== null;
    for (const text of this.#diff.look(this.#around.terminal.screen, isSplit)) {
      this.#around.tell({ from: at, to: at, text, stream: 'terminal', kind: 'screen' });
    }
  }

  /** Whether a line that was drawn out of order was not shown lately. */
  isNew(text: string): boolean {
    return this.#diff.isNew(text);
  }
}
