/**
 * What is more to a terminal than text, tabs, new lines (CR LF), colours, and erasing to the right, where
 * nothing is. A new line without CR is looked for apart.
 */
const SPECIAL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  /[^\t\n\r\x1b\x20-\x7e\u00a0-\uffff]|\r(?!\n)|\x1b(?!\[(?:[\d;:]{0,60}m|0?K))/g;

/** A sequence of these that is not at its end. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const BEGUN = /\x1b(?:\[[\d;:]{0,60})?$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const SEQUENCES = /\x1b\[[\d;:]*[mK]/g;

/** Colours that do not go on. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const RESET = /^\x1b\[0*m$/;

/** UTF-16 units after which half a line counts as one. */
const LONGEST_LINE = 4000;

/** Rows above the screen that a terminal keeps, with some more. */
const ABOVE = 110;

/** Lines between two looks at how many are kept. */
const SLACK = 2000;

/** Sequences of lines that are not kept which may still colour those that are. */
const MOST_COLOURS = 40;

export interface LazyState {
  readonly colours: readonly string[];
  readonly lines: readonly string[];
  readonly half: string;
  readonly began: number;
  readonly hasReturn: boolean;
}

function shown(text: string): string {
  return text.includes('\x1b') ? text.replace(SEQUENCES, '') : text;
}

/** What of `before`, and of lines after it, colours what comes behind them. */
function coloursAfter(before: readonly string[], lines: readonly string[]): readonly string[] {
  const all = [...before, ...lines.flatMap((line) => line.match(SEQUENCES) ?? [])];
  const last = all.findLastIndex((one) => RESET.test(one));
  const left = all.slice(last + 1).filter((one) => one.endsWith('m'));
  return left.slice(-MOST_COLOURS);
}

/** Plain and coloured lines that were not drawn on the screen yet. */
export class LazyLines {
  /** Of lines before these. */
  #colours: readonly string[];
  #lines: string[];
  /** Of the last line, what has come of it. */
  half: string;
  /** When that began, in seconds. */
  began: number;
  /** A carriage return has come after it: a new line has to follow. */
  hasReturn: boolean;

  constructor(state: LazyState | null) {
    this.#colours = state?.colours ?? [];
    this.#lines = [...(state?.lines ?? [])];
    this.half = state?.half ?? '';
    this.began = state?.began ?? 0;
    this.hasReturn = state?.hasReturn ?? false;
  }

  state(): LazyState {
    const { half, began, hasReturn } = this;
    return { colours: this.#colours, lines: this.#lines, half, began, hasReturn };
  }

  /** Whether anything of the last line is to be seen. */
  get isMidLine(): boolean {
    return this.half !== '' && (this.half[0] !== '\x1b' || shown(this.half) !== '');
  }

  /** What a terminal of `rows` may still have of the lines before the half one. */
  text(rows: number): string {
    const kept = this.#lines.slice(-(rows + ABOVE));
    const gone = this.#lines.slice(0, this.#lines.length - kept.length);
    return `${coloursAfter(this.#colours, gone).join('')}${kept.join('')}`;
  }

  /** Takes what is plain from `from` on; answers where something else begins. */
  take(
    text: string,
    from: number,
    at: number,
    tell: (line: string, began: number) => void,
  ): number {
    if (this.hasReturn) {
      if (text[from] !== '\n') return from;
      this.hasReturn = false;
      this.#end(at, tell);
      return this.take(text, from + 1, at, tell);
    }
    if (BEGUN.test(this.half)) return this.#goOn(text, from, at, tell);
    SPECIAL.lastIndex = from;
    const special = SPECIAL.exec(text)?.index ?? text.length;
    let begin = from;
    let newline = endOfLine(text, begin, special);
    while (newline !== -1) {
      this.#add(text.slice(begin, newline - 1), at, tell);
      this.#end(at, tell);
      begin = newline + 1;
      newline = endOfLine(text, begin, special);
    }
    const bare = text.indexOf('\n', begin);
    const stop = bare !== -1 && bare < special ? bare : special;
    this.#add(text.slice(begin, stop), at, tell);
    if (text[stop] === '\x1b' && BEGUN.exec(text.slice(stop, stop + 64))?.index === 0) {
      this.#add(text.slice(stop), at, tell);
      return text.length;
    }
    this.hasReturn = stop === text.length - 1 && text[stop] === '\r';
    return this.hasReturn ? text.length : stop;
  }

  /** The rest of a sequence that was begun. */
  #goOn(
    text: string,
    from: number,
    at: number,
    tell: (line: string, began: number) => void,
  ): number {
    const begun = BEGUN.exec(this.half)?.[0] ?? '';
    const whole = `${begun}${text.slice(from, from + 64)}`;
    SPECIAL.lastIndex = 0;
    if (SPECIAL.exec(whole)?.index === 0) {
      if (BEGUN.exec(whole)?.index !== 0) return from;
      this.#add(text.slice(from), at, tell);
      return text.length;
    }
    SEQUENCES.lastIndex = 0;
    const length = (SEQUENCES.exec(whole)?.[0] ?? begun).length - begun.length;
    this.#add(text.slice(from, from + length), at, tell);
    return this.take(text, from + length, at, tell);
  }

  #add(piece: string, at: number, tell: (line: string, began: number) => void): void {
    if (piece === '') return;
    if (!this.isMidLine) this.began = at;
    this.half += piece;
    while (this.half.length > LONGEST_LINE) {
      const end = wholeUpTo(this.half, LONGEST_LINE);
      const told = this.half.slice(0, end);
      tell(shown(told), this.began);
      this.half = `${coloursAfter([], [told]).join('')}${this.half.slice(end)}`;
    }
  }

  #end(at: number, tell: (line: string, began: number) => void): void {
    this.#lines.push(`${this.half}\r\n`);
    tell(shown(this.half).trimEnd(), this.isMidLine ? this.began : at);
    this.half = '';
    if (this.#lines.length <= SLACK * 2) return;
    this.#colours = coloursAfter(this.#colours, this.#lines.slice(0, -SLACK));
    this.#lines = this.#lines.slice(-SLACK);
  }
}

/** At most `end`, and in no sequence. */
function wholeUpTo(text: string, end: number): number {
  const at = text.lastIndexOf('\x1b', end - 1);
  if (at === -1) return end;
  SEQUENCES.lastIndex = at;
  const found = SEQUENCES.exec(text);
  const isWhole = found !== null && found.index === at && SEQUENCES.lastIndex <= end;
  return isWhole ? end : at;
}

/** Where the CR LF ends that is next, before `special`; -1: a bare LF, or nothing, is next. */
function endOfLine(text: string, from: number, special: number): number {
  const newline = text.indexOf('\n', from);
  const isWhole = newline > from && newline < special && text[newline - 1] === '\r';
  return isWhole ? newline : -1;
}
