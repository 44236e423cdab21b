import { type ListState, ParameterList } from './parameter-list.ts';
import type { Parameters } from './sgr.ts';

/** What the parser finds, in order. */
export interface Actions {
  print(character: number): void;
  /** Prints the ASCII characters `from` to before `to` of the text. */
  printAscii(text: string, from: number, to: number): void;
  /** A control character (C0 or C1). */
  execute(control: number): void;
  escape(intermediate: number, final: number): void;
  /** A control sequence; `intermediate` (its last one, or its private prefix) is 0 without. */
  control(intermediate: number, list: Parameters, final: number): void;
  /** `length` UTF-16 units inside of a control string (OSC, DCS, …); 0: it has ended. */
  string?(at: number, length: number): void;
  /** The text of an operating system command; its end is cut when it is long. */
  command?(text: string): void;
}

/** UTF-16 units that are kept of an operating system command. */
const LONGEST_COMMAND = 16_384;

type State =
  | 'ground'
  | 'escape'
  | 'escape-intermediate'
  | 'control'
  | 'parameters'
  | 'intermediate'
  | 'ignored'
  | 'string'
  | 'osc';

/** Where a parser is, as plain data. */
export interface ParserState {
  readonly state: State;
  readonly intermediate: number;
  readonly list: ListState;
  readonly command: string;
}

/** Where C1 controls, and what follows ESC in their place, lead to (ECMA-48 §5.3). */
const OPENERS: Readonly<Record<number, State>> = {
  144: 'string',
  152: 'string',
  155: 'control',
  156: 'ground',
  157: 'osc',
  158: 'string',
  159: 'string',
};

/** Any printed character outside of Latin-1's lower half counts as a letter inside a sequence. */
const LETTER = 0x41;

const CAN = 0x18;
const SUB = 0x1a;
const ESC = 0x1b;
const BEL = 0x07;

/** Finds escape sequences in text, whatever way it is cut into pieces. */
export class Parser {
  readonly #actions: Actions;
  readonly #list = new ParameterList();
  #state: State = 'ground';
  #intermediate = 0;
  /** Where in the text that is being fed the action begins that is called now; not of a sequence. */
  at = 0;
  /** Of the operating system command so far, where somebody wants it. */
  #command = '';

  constructor(actions: Actions) {
    this.#actions = actions;
  }

  state(): ParserState {
    const list = this.#list.state();
    return { state: this.#state, intermediate: this.#intermediate, list, command: this.#command };
  }

  /** Makes it where that one was. */
  restore({ state, intermediate, list, command }: ParserState): void {
    this.#state = state;
    this.#intermediate = intermediate;
    this.#list.restore(list);
    this.#command = command;
  }

  /** What brings a new parser to where this one is, in the middle of a sequence. */
  prefix(): string {
    const intermediate = this.#intermediate === 0 ? '' : String.fromCharCode(this.#intermediate);
    switch (this.#state) {
      case 'ground':
        return '';
      case 'escape':
        return '\x1b';
      case 'escape-intermediate':
        return `\x1b${intermediate}`;
      case 'control':
        return '\x1b[';
      case 'parameters':
        return `\x1b[${intermediate}${this.#list.text}`;
      case 'intermediate':
        // No such sequence has parameters that do something.
        return `\x1b[${intermediate}`;
      case 'ignored':
        return '\x1b[:';
      case 'string':
        return '\x1bX';
      case 'osc':
        return `\x1b]${this.#command}`;
    }
  }

  feed(text: string): void {
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit >= 0x20 && unit <= 0x7f && this.#state === 'ground') {
        const end = endOfAscii(text, at + 1);
        this.#actions.printAscii(text, at, end);
        at = end - 1;
        continue;
      }
      this.at = at;
      const wasInString = this.#inString;
      const length = this.#one(text, unit);
      if (wasInString) this.#actions.string?.(at, this.#inString ? length : 0);
      at += length - 1;
    }
  }

  get #inString(): boolean {
    return this.#state === 'osc' || this.#state === 'string';
  }

  /** The character at `this.at`, which begins with `unit`; answers its length. */
  #one(text: string, unit: number): 1 | 2 {
    if (unit < 0xa0) {
      this.#low(unit);
      return 1;
    }
    const character = unit >= 0xd800 && unit <= 0xdfff ? wellFormed(text, this.at) : unit;
    if (this.#state === 'ground') this.#actions.print(character);
    else this.#inSequence(LETTER, character);
    return character > 0xffff ? 2 : 1;
  }

  /** Everything below U+00A0 that is not printed. */
  #low(unit: number): void {
    if (unit === ESC) {
      if (this.#state === 'osc') this.#endCommand();
      this.#to('escape');
    } else if (unit === CAN || unit === SUB) {
      this.#to('ground');
      this.#actions.execute(unit);
    } else if (unit < 0x20) {
      this.#c0(unit);
    } else if (unit >= 0x80) {
      const opened = OPENERS[unit];
      this.#to(opened ?? 'ground');
      if (opened === undefined) this.#actions.execute(unit);
    } else if (unit !== 0x7f) {
      this.#inSequence(unit, unit);
    }
  }

  #c0(unit: number): void {
    if (this.#state === 'osc') {
      if (unit !== BEL) return;
      this.#endCommand();
      this.#to('ground');
    } else if (this.#state !== 'string') {
      this.#actions.execute(unit);
    }
  }

  #endCommand(): void {
    this.#actions.command?.(this.#command);
    this.#command = '';
  }

  #to(state: State): void {
    this.#state = state;
    this.#command = '';
    if (state === 'ground' || state === 'string' || state === 'osc') return;
    this.#list.clear();
    this.#intermediate = 0;
  }

  #collect(state: State, intermediate: number): void {
    this.#state = state;
    this.#intermediate = intermediate;
  }

  #inSequence(kind: number, character: number): void {
    switch (this.#state) {
      case 'osc':
        if (this.#actions.command !== undefined && this.#command.length < LONGEST_COMMAND)
          this.#command += String.fromCodePoint(character);
        return;
      case 'ground':
      case 'string':
        return;
      case 'escape':
      case 'escape-intermediate':
        this.#inEscape(kind, character);
        return;
      case 'control':
      case 'parameters':
      case 'intermediate':
        this.#inControl(kind, character);
        return;
      case 'ignored':
        if (kind >= 0x40) this.#state = 'ground';
    }
  }

  #inEscape(kind: number, character: number): void {
    if (kind < 0x30) {
      this.#collect('escape-intermediate', kind);
      return;
    }
    const opened = this.#state === 'escape' ? OPENERS[kind + 0x40] : undefined;
    if (opened !== undefined && kind !== 0x5c) {
      this.#to(opened);
      return;
    }
    this.#state = 'ground';
    this.#actions.escape(this.#intermediate, character);
  }

  #inControl(kind: number, character: number): void {
    if (kind >= 0x40) {
      this.#state = 'ground';
      this.#actions.control(this.#intermediate, this.#list, character);
    } else if (kind < 0x30) {
      this.#collect('intermediate', kind);
    } else if (this.#state === 'intermediate') {
      this.#state = 'ignored';
    } else if (kind <= 0x3b) {
      this.#digit(kind);
    } else if (this.#state === 'control') {
      this.#collect('parameters', kind);
    } else {
      this.#state = 'ignored';
    }
  }

  #digit(kind: number): void {
    if (this.#state === 'control' && kind === 0x3a) {
      this.#state = 'ignored';
      return;
    }
    this.#state = 'parameters';
    this.#list.add(kind);
  }
}

function wellFormed(text: string, at: number): number {
  const character = text.codePointAt(at) ?? 0xfffd;
  return character > 0xffff ? character : 0xfffd;
}

function endOfAscii(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || unit > 0x7f) break;
  }
  return at;
}
