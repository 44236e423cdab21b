import type { RuleSet } from '../redact/rule-set.ts';
import { secretCells } from '../redact/secret-cells.ts';
import { Emulator } from '../replay/terminal/emulator.ts';
import { keyframe } from '../replay/terminal/keyframe.ts';
import type { ScreenState } from './alis.ts';
import type { LiveScreen } from './screen.ts';

/** A larger terminal is followed as one of this size. */
const MOST_COLS = 1000;
const MOST_ROWS = 500;

const ASTERISK = 0x2a;
const WIDE_ASTERISK = 0xff0a;

function within(value: number, most: number): number {
  return Math.min(most, Math.max(1, Math.trunc(value)));
}

/** A terminal that says what is on its screen without what is secret in it. */
export class RedactedScreen implements LiveScreen {
  readonly #rules: RuleSet;
  readonly #emulator: Emulator;

  constructor(cols: number, rows: number, rules: RuleSet) {
    this.#rules = rules;
    this.#emulator = new Emulator(within(cols, MOST_COLS), within(rows, MOST_ROWS));
  }

  get cols(): number {
    return this.#emulator.screen.cols;
  }

  get rows(): number {
    return this.#emulator.screen.rows;
  }

  write(text: string): Promise<void> {
    this.#emulator.feed(text);
    return Promise.resolve();
  }

  resize(cols: number, rows: number): void {
    this.#emulator.resize(within(cols, MOST_COLS), within(rows, MOST_ROWS));
  }

  state(): ScreenState {
    const { screen } = this.#emulator;
    const grids = screen.isAlternate ? [screen.primary, screen.grid] : [screen.primary];
    const shown: (() => void)[] = [];
    for (const grid of grids) {
      for (const { row, col } of secretCells(grid.lines, this.#rules)) {
        const character = row.character(col);
        const width = row.isTail(col + 1) ? 2 : 1;
        const pen = row.pen(col);
        row.print(col, width === 2 ? WIDE_ASTERISK : ASTERISK, width, pen);
        shown.push(() => row.print(col, character, width, pen));
      }
    }
    const text = keyframe(this.#emulator, 'screen');
    for (const show of shown) show();
    return { cols: this.cols, rows: this.rows, text };
  }

  dispose(): void {
    // It is memory alone.
  }
}
