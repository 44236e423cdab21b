import serializing from '@xterm/addon-serialize';
import xterm from '@xterm/headless';
import type { ScreenState } from './alis.ts';
import { type Attributes, sgrOf } from './sgr.ts';

/** A larger terminal is followed as one of this size: its cells are kept, 12 bytes each, for each stream. */
const MOST_COLS = 1000;
const MOST_ROWS = 500;

/** UTF-16 units of a control sequence that has not ended, kept so that a late viewer can go on in it. */
const LONGEST_PENDING = 64 * 1024;

/** The parser between two sequences; see @xterm's ParserState. */
const GROUND = 0;

const ESC = '\u001b';

/** What of xterm 6.0.0 has no public name. */
interface Core {
  readonly buffers: { readonly active: InnerBuffer };
  readonly coreService: { readonly isCursorHidden: boolean };
  readonly _charsetService: {
    readonly _charsets: readonly (Readonly<Record<string, string>> | undefined)[];
    readonly glevel: number;
  };
  readonly _inputHandler: {
    readonly _parser: { readonly currentState: number };
    readonly _curAttrData: Attributes;
  };
}

interface InnerBuffer {
  readonly x: number;
  readonly y: number;
  readonly ybase: number;
  readonly savedX: number;
  readonly savedY: number;
  readonly scrollTop: number;
  readonly scrollBottom: number;
  readonly tabs: Readonly<Record<number, boolean>>;
}

function within(value: number, most: number): number {
  return Math.min(most, Math.max(1, Math.trunc(value)));
}

/** What a stream has of a terminal. */
export interface LiveScreen {
  readonly cols: number;
  readonly rows: number;
  /** Resolves when it is on the screen. */
  write(text: string): Promise<void>;
  /** To the nearest size that is kept. */
  resize(cols: number, rows: number): void;
  state(): ScreenState;
  dispose(): void;
}

/** A terminal without a window, that can say what it would take to make another one equal. */
export class Screen implements LiveScreen {
  readonly #terminal: xterm.Terminal;
  readonly #serializer = new serializing.SerializeAddon();
  /** Of a sequence that has begun and not ended; empty in between. */
  #pending = '';

  constructor(cols: number, rows: number) {
    this.#terminal = new xterm.Terminal({
      cols: within(cols, MOST_COLS),
      rows: within(rows, MOST_ROWS),
      scrollback: 0,
      allowProposedApi: true,
      logLevel: 'off',
    });
    this.#terminal.loadAddon(this.#serializer);
  }

  get cols(): number {
    return this.#terminal.cols;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  get #core(): Core {
    return Reflect.get(this.#terminal, '_core');
  }

  write(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#terminal.write(text, () => {
        this.#follow(text);
        resolve();
      });
    });
  }

  resize(cols: number, rows: number): void {
    this.#terminal.resize(within(cols, MOST_COLS), within(rows, MOST_ROWS));
  }

  dispose(): void {
    this.#terminal.dispose();
  }

  #follow(text: string): void {
    if (this.#core._inputHandler._parser.currentState === GROUND) {
      this.#pending = '';
      return;
    }
    // The parser cannot say where the sequence began; it began at the last introducer.
    const all = this.#pending + text;
    const begin = Math.max(all.lastIndexOf(ESC), lastC1(all));
    this.#pending = all.slice(begin).slice(0, LONGEST_PENDING);
  }

  state(): ScreenState {
    const text =
      this.#serializer.serialize({ scrollback: 0 }) +
      this.#beyondSerializer() +
      this.#cursor() +
      this.#charsets() +
      (this.#core.coreService.isCursorHidden ? `${ESC}[?25l` : '') +
      this.#pending;
    return { cols: this.cols, rows: this.rows, text };
  }

  /** Tab stops, the saved cursor and the scroll region; leaves the cursor anywhere. */
  #beyondSerializer(): string {
    const { cols, rows } = this;
    const buffer = this.#core.buffers.active;
    let text = this.#terminal.modes.originMode ? `${ESC}[?6l` : '';
    const stops = Object.keys(buffer.tabs).map(Number);
    const tabs = stops.filter((at) => at > 0 && at < cols && buffer.tabs[at] === true);
    const usual = tabs.every((at) => at % 8 === 0) && tabs.length === Math.floor((cols - 1) / 8);
    if (!usual) text += `${ESC}[3g${tabs.map((at) => `${ESC}[1;${at + 1}H${ESC}H`).join('')}`;
    if (buffer.savedX !== 0 || buffer.savedY !== 0) {
      const row = within(buffer.savedY - buffer.ybase + 1, rows);
      text += `${ESC}[${row};${buffer.savedX + 1}H${ESC}7`;
    }
    if (buffer.scrollTop !== 0 || buffer.scrollBottom !== rows - 1) {
      text += `${ESC}[${buffer.scrollTop + 1};${buffer.scrollBottom + 1}r`;
    }
    return this.#terminal.modes.originMode ? `${text}${ESC}[?6h` : text;
  }

  #cursor(): string {
    const { active } = this.#core.buffers;
    const top = this.#terminal.modes.originMode ? active.scrollTop : 0;
    const at = (column: number): string => `${ESC}[${active.y + 1 - top};${column + 1}H`;
    if (active.x < this.cols) return at(active.x);
    // Behind the last column: only printing in that column gets there.
    const line = this.#terminal.buffer.active.getLine(active.ybase + active.y);
    const last = line?.getCell(this.cols - 1);
    const wide = last?.getWidth() === 0;
    const cell = wide ? line?.getCell(this.cols - 2) : last;
    if (cell === undefined) return at(this.cols - 1);
    const attributes = sgrOf(this.#core._inputHandler._curAttrData);
    const character = cell.getChars() === '' ? ' ' : cell.getChars();
    return `${at(this.cols - (wide ? 2 : 1))}${sgrOf(cell)}${character}${attributes}`;
  }

  #charsets(): string {
    const { _charsets: sets, glevel } = this.#core._charsetService;
    const drawn = (set: number): boolean => sets[set]?.['q'] === '\u2500';
    const first = drawn(0) ? `${ESC}(0` : '';
    const second = drawn(1) ? `${ESC})0` : '';
    return `${first}${second}${glevel === 1 ? '\u000e' : ''}`;
  }
}

/** Where the last C1 control is; -1: there is none. */
function lastC1(text: string): number {
  for (let at = text.length - 1; at >= 0; at -= 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x80 && code <= 0x9f) return at;
  }
  return -1;
}
