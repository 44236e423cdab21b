/**
 * What is more than text, tabs, and new lines (CR LF) to a terminal. A new line without CR is looked for
 * apart.
 */
const SPECIAL = /[^\t\n\r\x20-\x7e\u00a0-\uffff]|\r(?!\n)/g;

/** UTF-16 units after which half a line counts as one. */
const LONGEST_LINE = 4000;

/** Rows above the screen that a terminal keeps, with some more. */
const ABOVE = 110;

/** Lines between two looks at how many are kept. */
const SLACK = 2000;

export interface LazyState {
  readonly lines: readonly string[];
  readonly half: string;
  readonly began: number;
  readonly hasReturn: boolean;
}

/** Plain lines that were not drawn on the screen yet. */
export class LazyLines {
  #lines: string[];
  /** Of the last line, what has come of it. */
  half: string;
  /** When that began, in seconds. */
  began: number;
  /** A carriage return has come after it: a new line has to follow. */
  hasReturn: boolean;

  constructor(state: LazyState | null) {
    this.#lines = [...(state?.lines ?? [])];
    this.half = state?.half ?? '';
    this.began = state?.began ?? 0;
    this.hasReturn = state?.hasReturn ?? false;
  }

  state(): LazyState {
    const { half, began, hasReturn } = this;
    return { lines: this.#lines, half, began, hasReturn };
  }

  /** The last lines, as many as a terminal of `rows` may still have; each with its new line. */
  lines(rows: number): readonly string[] {
    return this.#lines.slice(-(rows + ABOVE));
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
    this.hasReturn = stop === text.length - 1 && text[stop] === '\r';
    return this.hasReturn ? text.length : stop;
  }

  #add(piece: string, at: number, tell: (line: string, began: number) => void): void {
    if (piece === '') return;
    if (this.half === '') this.began = at;
    this.half += piece;
    while (this.half.length > LONGEST_LINE) {
      tell(this.half.slice(0, LONGEST_LINE), this.began);
      this.half = this.half.slice(LONGEST_LINE);
    }
  }

  #end(at: number, tell: (line: string, began: number) => void): void {
    this.#lines.push(`${this.half}\r\n`);
    tell(this.half.trimEnd(), this.half === '' ? at : this.began);
    this.half = '';
    if (this.#lines.length > SLACK * 2) this.#lines = this.#lines.slice(-SLACK);
  }
}

/** Where the CR LF ends that is next, before `special`; -1: a bare LF, or nothing, is next. */
function endOfLine(text: string, from: number, special: number): number {
  const newline = text.indexOf('\n', from);
  const isWhole = newline > from && newline < special && text[newline - 1] === '\r';
  return isWhole ? newline : -1;
}
