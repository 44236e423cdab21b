import type { GridState } from './grid.ts';
import { type Pen, PLAIN } from './pen.ts';

/** What DECSC keeps. */
export interface Saved {
  readonly col: number;
  readonly row: number;
  readonly pen: Pen;
  readonly origin: boolean;
  readonly wraps: boolean;
}

export const NOTHING_SAVED: Saved = { col: 0, row: 0, pen: PLAIN, origin: false, wraps: true };

/** What a screen is but for its rows. */
export interface Modes {
  col: number;
  row: number;
  pen: Pen;
  cursorVisible: boolean;
  top: number;
  bottom: number;
  drawing: readonly [boolean, boolean];
  charset: 0 | 1;
  inserts: boolean;
  origin: boolean;
  wraps: boolean;
  newLine: boolean;
  savedPrimary: Saved;
  savedAlternate: Saved;
}

/** All of it as plain data. */
export interface ScreenState {
  readonly cols: number;
  readonly rows: number;
  readonly modes: Modes;
  readonly tabs: readonly number[];
  readonly primary: GridState;
  readonly alternate: GridState | null;
}
