import type { Screen } from '../replay/terminal/screen.ts';
import { rowParts } from './pane.ts';

/** Lines of a screen that are remembered as shown. */
const MOST = 600;

export interface ScreenDiffState {
  readonly shown: readonly string[];
}

/** Lines of programs that draw on the screen: each is told once, as long as it is remembered. */
export class ScreenDiff {
  readonly #shown: Set<string>;

  constructor(state: ScreenDiffState | null) {
    this.#shown = new Set(state?.shown ?? []);
  }

  state(): ScreenDiffState {
    return { shown: [...this.#shown] };
  }

  /** Whether it was not shown lately. */
  isNew(text: string): boolean {
    const isNew = !this.#shown.delete(text);
    this.#shown.add(text);
    if (this.#shown.size > MOST) {
      for (const oldest of this.#shown) {
        this.#shown.delete(oldest);
        break;
      }
    }
    return isNew;
  }

  /** What is on a screen and was not there lately. `isSplit`: each pane by itself. */
  look(screen: Screen, isSplit: boolean): readonly string[] {
    const found: string[] = [];
    for (let row = 0; row < screen.rows; row += 1) {
      const line = screen.grid.row(row);
      const parts = isSplit ? rowParts(screen, row) : [line.text(0, line.length).trimEnd()];
      for (const text of parts) if (text.trim() !== '' && this.isNew(text)) found.push(text);
    }
    return found;
  }
}
