import { StringDecoder } from 'node:string_decoder';
import { printable } from '../../domain/log.ts';

/** What a menu understands of a keyboard. */
export type Key =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type:
        | 'up'
        | 'down'
        | 'page-up'
        | 'page-down'
        | 'home'
        | 'end'
        | 'backspace'
        | 'clear'
        | 'enter'
        | 'leave'
        | 'escape';
    };

type Named = Exclude<Key['type'], 'text'>;

/** Keys of one chunk that are taken; more at once types nobody. */
const MOST_KEYS = 512;

/** Characters of an escape sequence; what is longer is none. */
const LONGEST_SEQUENCE = 32;

const CONTROLS: ReadonlyMap<string, Named> = new Map([
  ['\r', 'enter'],
  ['\n', 'enter'],
  ['\x7f', 'backspace'],
  ['\b', 'backspace'],
  ['\x15', 'clear'],
  ['\x03', 'leave'],
  ['\x04', 'leave'],
]);

/** By the last character of `ESC [` and `ESC O`, modifiers aside (ECMA-48, xterm's ctlseqs). */
const FINALS: ReadonlyMap<string, Named> = new Map([
  ['A', 'up'],
  ['B', 'down'],
  ['H', 'home'],
  ['F', 'end'],
  ['M', 'enter'],
]);

/** By the number of `ESC [ n ~`. */
const NUMBERS: ReadonlyMap<string, Named> = new Map([
  ['1', 'home'],
  ['4', 'end'],
  ['5', 'page-up'],
  ['6', 'page-down'],
  ['7', 'home'],
  ['8', 'end'],
]);

/**
 * Reads keys from what a terminal sends, whose characters and escape sequences may come in pieces.
 * An ESC alone is a key too: nobody can tell until nothing follows, so the owner says when (`rest`).
 */
export class KeyReader {
  readonly #decoder = new StringDecoder('utf8');
  /** A sequence that has begun. */
  #begun = '';

  /** Whether something began that `rest` would end. */
  get waiting(): boolean {
    return this.#begun !== '';
  }

  read(bytes: Buffer): readonly Key[] {
    const keys: Key[] = [];
    for (const char of this.#decoder.write(bytes)) {
      if (keys.length >= MOST_KEYS) break;
      this.#take(char, keys);
    }
    return keys;
  }

  /** Nothing more came for a while. */
  rest(): readonly Key[] {
    const begun = this.#begun;
    this.#begun = '';
    return begun === '\x1b' ? [{ type: 'escape' }] : [];
  }

  #take(char: string, keys: Key[]): void {
    if (this.#begun === '') this.#plain(char, keys);
    else if (this.#begun === '\x1b') this.#second(char, keys);
    else this.#further(char, keys);
  }

  #plain(char: string, keys: Key[]): void {
    const control = CONTROLS.get(char);
    if (char === '\x1b') this.#begun = char;
    else if (control !== undefined) keys.push({ type: control });
    else if (char !== '\ufffd' && printable(char) === char) keys.push({ type: 'text', text: char });
  }

  #second(char: string, keys: Key[]): void {
    if (char === '[' || char === 'O') {
      this.#begun += char;
      return;
    }
    this.#begun = '';
    keys.push({ type: 'escape' });
    this.#plain(char, keys);
  }

  #further(char: string, keys: Key[]): void {
    const isFinal = char >= '@' && char <= '~';
    const isInner = char >= ' ' && char <= '?';
    if (isInner && this.#begun.length < LONGEST_SEQUENCE) {
      this.#begun += char;
      return;
    }
    const inner = this.#begun.slice(2);
    this.#begun = '';
    if (!isFinal) {
      this.#plain(char, keys);
      return;
    }
    const [number = ''] = inner.split(';');
    const named = char === '~' ? NUMBERS.get(number) : FINALS.get(char);
    if (named !== undefined) keys.push({ type: named });
  }
}
