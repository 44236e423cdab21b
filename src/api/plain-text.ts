type State = 'text' | 'escape' | 'intermediate' | 'csi' | 'string' | 'stringEscape';

/** What follows ESC and begins a string that ends with ST or BEL: DCS, SOS, OSC, PM, APC. */
const STRINGS = 'PX]^_';

/** How one character after ESC moves on (ECMA-48 §5.3). */
function afterEscape(character: string): State {
  if (character === '[') return 'csi';
  if (STRINGS.includes(character)) return 'string';
  return character >= ' ' && character <= '/' ? 'intermediate' : 'text';
}

/** The state after a character that is part of a control sequence. */
function within(state: State, character: string): State {
  switch (state) {
    case 'escape':
      return afterEscape(character);
    case 'intermediate':
      return character >= ' ' && character <= '/' ? 'intermediate' : 'text';
    case 'csi':
      return character >= '@' && character <= '~' ? 'text' : 'csi';
    case 'string':
      if (character === '\u0007' || character === '\u009c') return 'text';
      return character === '\u001b' ? 'stringEscape' : 'string';
    case 'stringEscape':
      return character === '\\' ? 'text' : 'string';
    case 'text':
      return 'text';
  }
}

/**
 * Output made fit for reading and for any terminal: control sequences and other control characters
 * are left out, CR LF and CR count as one line break. Keeps its state from one call to the next, so
 * a sequence may be cut anywhere. It does not draw the screen: what a program painted over stays.
 */
export class PlainText {
  #state: State = 'text';
  #afterReturn = false;

  write(text: string): string {
    let plain = '';
    for (const character of text) {
      if (this.#state !== 'text') this.#state = within(this.#state, character);
      else if (character === '\u001b') this.#state = 'escape';
      else if (character === '\u009b') this.#state = 'csi';
      else plain += this.#plain(character);
    }
    return plain;
  }

  #plain(character: string): string {
    if (character === '\r') {
      this.#afterReturn = true;
      return '';
    }
    const broken = this.#afterReturn && character !== '\n' ? '\n' : '';
    this.#afterReturn = false;
    if (character === '\n' || character === '\t') return broken + character;
    return /\p{Cc}/u.test(character) ? broken : broken + character;
  }
}
