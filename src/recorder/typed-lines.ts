import { cellsOf } from '../replay/terminal/cells.ts';
import { Emulator } from '../replay/terminal/emulator.ts';
import { TypedKeys } from './typed-keys.ts';

/** Cells of the largest terminal on which an echo is looked for; on a larger one nothing typed is kept. */
const MOST_CELLS = 200_000;

/** UTF-16 units of one line; what is longer is looked at as if it ended there. */
const LONGEST_LINE = 1024;

/** Lines that wait for their echo; those that come then are not kept. */
const MOST_LINES = 64;

/** What asks for something that is not to be kept, whether or not it is shown. */
const ASKS =
  /(?:pass(?:word|phrase|code)|\bpin\b|secret|token|one-time|\bcode\b|otp\b)[^$#%]{0,60}[:?>]\s{0,3}$/i;

/** What is to be written of what was typed: the text, or how many characters are not. */
export type Typed =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'withheld'; readonly count: number };

interface Place {
  readonly row: number;
  readonly col: number;
}

interface TypedLine {
  text: string;
  /** Printed characters whose echo has not come. */
  readonly waiting: string[];
  hasPrinted: boolean;
  isOver: boolean;
  isDoubtful: boolean;
}

/** A terminal that says what was printed where. */
class EchoScreen extends Emulator {
  readonly #printed: (character: string, at: Place) => void;
  readonly #feeding: () => void;

  constructor(
    cols: number,
    rows: number,
    printed: (character: string, at: Place) => void,
    feeding: () => void,
  ) {
    super(cols, rows);
    this.#printed = printed;
    this.#feeding = feeding;
  }

  get place(): Place {
    return { row: this.screen.row, col: this.screen.col };
  }

  override print(character: number): void {
    const at = this.place;
    super.print(character);
    this.#printed(String.fromCodePoint(character), at);
  }

  override printAscii(text: string, from: number, to: number): void {
    for (let at = from; at < to; at += 1) this.print(text.charCodeAt(at));
  }

  override execute(control: number): void {
    if (control === 0x0a) this.#feeding();
    super.execute(control);
  }
}

/**
 * Decides which of what is typed under a terminal was echoed there, and may be kept. A line is kept when the terminal
 * has shown each of its characters, in order, where the cursor was, before it went on to the next line; and nothing had
 * asked for a password. Of all others there is only how many characters they had: where echo is off, where a program
 * draws by itself, and of what was typed ahead.
 */
export class TypedLines {
  readonly #keys = new TypedKeys();
  #screen: EchoScreen | null = null;
  #lines: TypedLine[] = [];
  /** Where the next echo has to be; null: nobody waits for one. */
  #expected: Place | null = null;
  #settled: Typed[] = [];

  constructor(cols: number, rows: number) {
    this.#open(cols, rows);
  }

  #open(cols: number, rows: number): void {
    if (cellsOf(cols, rows) > MOST_CELLS) {
      this.#screen = null;
    } else if (this.#screen === null) {
      const printed = (character: string, at: Place): void => this.#printed(character, at);
      this.#screen = new EchoScreen(cols, rows, printed, () => this.#feeding());
    } else {
      this.#screen.resize(cols, rows);
    }
  }

  /** What waits for its echo was typed on another screen. */
  resize(cols: number, rows: number): void {
    for (const line of this.#lines) line.isDoubtful = true;
    this.#expected = null;
    this.#open(cols, rows);
  }

  typed(text: string): readonly Typed[] {
    for (const key of this.#keys.read(text)) {
      const line = this.#lineFor();
      line.text += key.text;
      if (key.isPrinted) this.#print(line, key.text);
      // What a key does to the cursor is known when it has been done.
      else if (line.waiting.length > 0 && !key.endsLine) line.isDoubtful = true;
      line.isOver = key.endsLine;
      if (line.text.length >= LONGEST_LINE) this.#settleAll();
    }
    return this.#take();
  }

  /** What a program has written: what is settled by it was typed before. */
  output(text: string): readonly Typed[] {
    if (this.#screen === null) {
      if (text.includes('\n')) this.#settleOver();
    } else {
      this.#screen.feed(text);
    }
    return this.#take();
  }

  /** Nothing comes any more. */
  end(): readonly Typed[] {
    this.#settleAll();
    return this.#take();
  }

  #take(): readonly Typed[] {
    const settled = this.#settled;
    this.#settled = [];
    return settled;
  }

  #lineFor(): TypedLine {
    const last = this.#lines.at(-1);
    if (last !== undefined && !last.isOver) return last;
    if (this.#lines.length >= MOST_LINES) this.#settleAll();
    const isAhead = this.#lines.length > 0;
    const line = { text: '', waiting: [], hasPrinted: false, isOver: false, isDoubtful: isAhead };
    this.#lines.push(line);
    return line;
  }

  #print(line: TypedLine, character: string): void {
    if (this.#screen === null || (!line.hasPrinted && this.#asks(this.#screen))) {
      line.isDoubtful = true;
    }
    if (line.waiting.length === 0) this.#expected = this.#screen?.place ?? null;
    line.hasPrinted = true;
    line.waiting.push(character);
  }

  /** Whether what stands before the cursor asks for a password. */
  #asks({ screen }: EchoScreen): boolean {
    return ASKS.test(screen.line.text(0, Math.min(screen.col, screen.cols)));
  }

  #printed(character: string, { row, col }: Place): void {
    const [line] = this.#lines;
    if (line === undefined || line.waiting.length === 0 || this.#expected === null) return;
    if (row !== this.#expected.row || col !== this.#expected.col) return;
    if (line.waiting.shift() !== character) line.isDoubtful = true;
    this.#expected = this.#screen?.place ?? null;
  }

  #feeding(): void {
    this.#settleOver();
    const [line] = this.#lines;
    if (line !== undefined && line.waiting.length > 0) line.isDoubtful = true;
  }

  /** The line that was ended is gone from under the cursor. */
  #settleOver(): void {
    if (this.#lines[0]?.isOver !== true) return;
    const line = this.#lines.shift();
    if (line !== undefined) this.#settle(line);
  }

  #settleAll(): void {
    for (const line of this.#lines) this.#settle(line);
    this.#lines = [];
    this.#expected = null;
  }

  #settle({ text, waiting, isDoubtful }: TypedLine): void {
    const isKept = !isDoubtful && waiting.length === 0;
    this.#settled.push(
      isKept ? { type: 'text', text } : { type: 'withheld', count: [...text].length },
    );
  }
}
