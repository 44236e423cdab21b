/** What moves the cursor on its line. */
export type CursorMotion =
  | { readonly type: 'return' }
  | { readonly type: 'erase' }
  | { readonly type: 'back'; readonly by: number }
  | { readonly type: 'forward'; readonly by: number };

/** `break`: the text goes on elsewhere. */
type Motion = CursorMotion | { readonly type: 'break' };

type State = 'ground' | 'escape' | 'intermediate' | 'control' | 'string' | 'string-escape';

/**
 * UTF-16 units after which a control string (OSC, DCS, …) that nobody ends counts as ended, so that
 * one broken sequence does not hide all that follows.
 */
const LONGEST_STRING = 1024 * 1024;

const LONGEST_PARAMETERS = 64;

const BREAK: Motion = { type: 'break' };
const RETURN: Motion = { type: 'return' };

/** Cursor addressing and screen erasing: what is printed next does not belong to this line. */
const BREAKING_FINALS = 'ABEFHJLMSTdf';

/** Control characters that act on the line; the others are nothing to see. */
const CONTROLS: Readonly<Record<string, Motion>> = {
  '\n': BREAK,
  '\v': BREAK,
  '\f': BREAK,
  '\r': RETURN,
  '\b': { type: 'back', by: 1 },
  '\u0084': BREAK,
  '\u0085': BREAK,
};

/** C1 controls as their 7-bit forms (ECMA-48 §5.3). */
const C1: Readonly<Record<string, State>> = {
  '\u0090': 'string',
  '\u0098': 'string',
  '\u009b': 'control',
  '\u009d': 'string',
  '\u009e': 'string',
  '\u009f': 'string',
};

/** What follows ESC: CSI, and the openers of control strings. */
const AFTER_ESCAPE: Readonly<Record<string, State>> = {
  '[': 'control',
  ']': 'string',
  P: 'string',
  X: 'string',
  '^': 'string',
  _: 'string',
};

/**
 * Takes escape sequences (ECMA-48, with xterm's BEL as a string's end) out of text, whatever way it
 * is cut into pieces. What is left are printed characters, one string each, and motions.
 */
export class EscapeStripper {
  #state: State = 'ground';
  #parameters = '';
  #length = 0;

  *write(text: string): Generator<string | Motion> {
    for (const character of text) {
      const piece = this.#take(character);
      if (piece !== null) yield piece;
    }
  }

  #take(character: string): string | Motion | null {
    // CAN and SUB end any sequence; ESC begins a new one, but in a string it may be half of ST.
    if (character === '\x18' || character === '\x1a') return this.#to('ground');
    if (character === '\x1b') {
      return this.#to(this.#state === 'string' ? 'string-escape' : 'escape');
    }
    switch (this.#state) {
      case 'ground':
        return this.#ground(character);
      case 'escape':
        return this.#escape(character);
      case 'intermediate':
        return character >= '0' && character <= '~' ? this.#to('ground') : null;
      case 'control':
        return this.#control(character);
      case 'string':
        return this.#string(character);
      case 'string-escape':
        return character === '\\' ? this.#to('ground') : this.#escape(character);
    }
  }

  #to(state: State): null {
    this.#state = state;
    this.#parameters = '';
    this.#length = 0;
    return null;
  }

  #ground(character: string): string | Motion | null {
    const control = CONTROLS[character];
    if (control !== undefined) return control;
    const opened = C1[character];
    if (opened !== undefined) return this.#to(opened);
    const isPrinted = character === '\t' || !/^\p{Cc}$/u.test(character);
    return isPrinted ? character : null;
  }

  #escape(character: string): Motion | null {
    const opened = AFTER_ESCAPE[character];
    if (opened !== undefined) return this.#to(opened);
    if (character >= ' ' && character <= '/') return this.#to('intermediate');
    const isMove = character === 'D' || character === 'E' || character === 'M' || character === 'c';
    this.#to('ground');
    return isMove ? BREAK : null;
  }

  #control(character: string): Motion | null {
    const inside = CONTROLS[character];
    if (inside !== undefined) return inside;
    if (character >= '@' && character <= '~') {
      const parameters = this.#parameters;
      this.#to('ground');
      return motionOf(character, parameters);
    }
    // What is neither a parameter nor an intermediate byte: the sequence is broken, and over.
    if (character > '~') return this.#to('ground');
    if (this.#parameters.length < LONGEST_PARAMETERS) this.#parameters += character;
    return null;
  }

  #string(character: string): null {
    this.#length += character.length;
    const isEnd = character === '\x07' || character === '\u009c';
    if (isEnd || this.#length > LONGEST_STRING) return this.#to('ground');
    return null;
  }
}

function motionOf(final: string, parameters: string): Motion | null {
  const by = Math.min(65_535, Math.max(1, Number.parseInt(parameters, 10) || 1));
  if (final === 'D') return { type: 'back', by };
  if (final === 'C') return { type: 'forward', by };
  if (final === 'G') return RETURN;
  if (final === 'K') return parameters === '' || parameters === '0' ? { type: 'erase' } : null;
  return BREAKING_FINALS.includes(final) ? BREAK : null;
}
