import { controlAction } from './control-sequences.ts';
import { type Actions, Parser, type ParserState } from './parser.ts';
import { Screen } from './screen.ts';
import type { ScreenState } from './screen-state.ts';
import type { Parameters } from './sgr.ts';

const DRAWING = 0x30;

/** All that an emulator knows, as plain data: what a keyframe cannot say is in it too. */
export interface EmulatorState {
  readonly screen: ScreenState;
  readonly parser: ParserState;
}

/** A terminal without a display: text goes in, the screen's state can be looked at. */
export class Emulator implements Actions {
  readonly screen: Screen;
  readonly #parser: Parser;

  /** Sizes are at least 1. */
  constructor(cols: number, rows: number) {
    this.screen = new Screen(cols, rows);
    this.#parser = new Parser(this);
  }

  snapshot(): EmulatorState {
    return { screen: this.screen.state(), parser: this.#parser.state() };
  }

  /** Makes it one that goes on as that one would have. */
  takeUp({ screen, parser }: EmulatorState): void {
    this.screen.restoreState(screen);
    this.#parser.restore(parser);
  }

  /** What a new parser has to be fed to be where this one is. */
  get unfinished(): string {
    return this.#parser.prefix();
  }

  /** Where in the text that is being fed the character is that is printed now; see Parser. */
  get at(): number {
    return this.#parser.at;
  }

  feed(text: string): void {
    this.#parser.feed(text);
  }

  resize(cols: number, rows: number): void {
    this.screen.resize(cols, rows);
  }

  print(character: number): void {
    this.screen.print(character);
  }

  printAscii(text: string, from: number, to: number): void {
    this.screen.printAscii(text, from, to);
  }

  execute(control: number): void {
    const { screen } = this;
    switch (control) {
      case 0x08:
        screen.toCol(screen.col - (screen.col === screen.cols ? 2 : 1));
        break;
      case 0x09:
        screen.toCol(screen.tabs.after(screen.col, 1) ?? screen.cols - 1);
        break;
      case 0x0a:
      case 0x0b:
      case 0x0c:
      case 0x84:
        screen.lineFeed();
        if (screen.newLine) screen.col = 0;
        break;
      case 0x0d:
        screen.col = 0;
        break;
      case 0x0e:
        screen.charset = 1;
        break;
      case 0x0f:
        screen.charset = 0;
        break;
      case 0x85:
        screen.lineFeed();
        screen.col = 0;
        break;
      case 0x88:
        screen.setTab();
        break;
      case 0x8d:
        screen.reverseLineFeed();
    }
  }

  escape(intermediate: number, final: number): void {
    const { screen } = this;
    const sequence = String.fromCharCode(intermediate || 0x20, final);
    if (intermediate === 0 && final >= 0x40 && final <= 0x5f) this.execute(final + 0x40);
    else if (sequence === ' 7') screen.save();
    else if (sequence === ' 8') screen.restore();
    else if (sequence === ' c') screen.reset();
    else if (sequence === '#8') align(screen);
    else if (sequence[0] === '(') screen.drawing = [final === DRAWING, screen.drawing[1]];
    else if (sequence[0] === ')') screen.drawing = [screen.drawing[0], final === DRAWING];
  }

  control(intermediate: number, list: Parameters, final: number): void {
    controlAction(intermediate, final)?.(this.screen, list);
  }
}

/** DECALN: the screen full of E. */
function align(screen: Screen): void {
  for (let row = 0; row < screen.rows; row += 1) {
    for (let col = 0; col < screen.cols; col += 1) {
      screen.grid.row(row).print(col, 0x45, 1, { fg: 0, bg: 0 });
    }
  }
}
