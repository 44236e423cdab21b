/** What was typed: a character that a terminal would show, or a key that does something. */
export interface TypedKey {
  readonly text: string;
  readonly isPrinted: boolean;
  /** Enter, Ctrl-C or Ctrl-D: the line is over. */
  readonly endsLine: boolean;
}

const ENDS = ['\r', '\n', '\u0003', '\u0004'];

/** UTF-16 units of the parameters of a key's sequence; nothing that is longer is a key. */
const LONGEST_SEQUENCE = 24;

type State = 'ground' | 'escape' | 'single' | 'sequence';

/** Takes what a terminal sends apart, whatever way it is cut. */
export class TypedKeys {
  #state: State = 'ground';
  #length = 0;

  *read(text: string): Generator<TypedKey> {
    for (const character of text) yield this.#take(character);
  }

  #take(text: string): TypedKey {
    const key = { text, isPrinted: false, endsLine: false };
    if (text === '\u001b') {
      this.#state = 'escape';
      return key;
    }
    const state = this.#state;
    this.#state = 'ground';
    if (state === 'single') return key;
    if (state === 'escape') {
      // SS3 has one more character, CSI parameters and a final one; else it is Alt and a key.
      if (text === 'O') this.#state = 'single';
      if (text === '[') this.#state = 'sequence';
      this.#length = 0;
      return key;
    }
    if (state === 'sequence' && /^[0-?]$/.test(text) && this.#length < LONGEST_SEQUENCE) {
      this.#length += 1;
      this.#state = 'sequence';
      return key;
    }
    if (state === 'sequence' && /^[@-~]$/.test(text)) return key;
    if (ENDS.includes(text)) return { ...key, endsLine: true };
    return { ...key, isPrinted: !/^\p{Cc}$/u.test(text) };
  }
}
