/** What begins a string that a terminal acts on: DCS, SOS, OSC, PM, APC, behind ESC and as C1 controls. */
const STRINGS = { escape: 'PX]^_', control: '\u0090\u0098\u009d\u009e\u009f' } as const;

/** Finals of CSI that draw, or set how it is drawn: with nothing before them, and with `?` before their numbers. */
const DRAWS = { plain: '@ABCDEFGHIJKLMPSTXZ`abdefghlmrsu', private: 'JKhl' } as const;

/** With an intermediate: the cursor's form, a soft reset. */
const DRAWS_TOO: readonly string[] = [' q', '!p'];

/** Behind ESC: cursor, tabs, keypad, shifts, a full reset; and which character set is meant, and the test picture. */
const ESCAPES = '6789=>DEHMNOcno|}~';
const WITH_SET = '()*+-./#';

/** A terminal types an answer to it. */
const ENQUIRY = '\u0005';

/** Characters of one sequence; programs write far shorter ones. */
const LONGEST = 256;

/** Begins or is something else than text. */
const SPECIAL = /[^\P{Cc}\r\n\t]/u;

/**
 * Text of a recording, for the terminal of who looks at it: what draws goes on, all else is dropped. A recorded program
 * may have been written to act on whoever looks: strings set the clipboard and titles, questions have the terminal
 * type an answer (ECMA-48; xterm's ctlseqs). Sequences may be split over pieces.
 */
export class Drawing {
  #state: 'ground' | 'escape' | 'sequence' | 'string' = 'ground';
  #held = '';

  take(text: string): string {
    if (this.#state === 'ground' && !SPECIAL.test(text)) return text;
    let out = '';
    for (const unit of text) out += this.#unit(unit);
    return out;
  }

  #unit(unit: string): string {
    // Cancels what it stands in.
    if (unit === '\u0018' || unit === '\u001a') return this.#begin('ground');
    if (unit === '\u001b') return this.#begin('escape');
    if (unit === '\u009b') return this.#begin('sequence');
    if (STRINGS.control.includes(unit)) return this.#begin('string');
    if (this.#state === 'string') return unit === '\u0007' ? this.#begin('ground') : '';
    if (unit === ENQUIRY || (unit >= '\u007f' && unit <= '\u009f')) return '';
    // Other controls count at once, wherever they stand.
    if (this.#state === 'ground' || unit < ' ') return unit;
    if (this.#held.length >= LONGEST) return this.#begin('ground');
    this.#held += unit;
    return this.#state === 'escape' ? this.#escape(unit) : this.#sequence(unit);
  }

  #begin(state: 'ground' | 'escape' | 'sequence' | 'string'): string {
    this.#state = state;
    this.#held = '';
    return '';
  }

  #escape(unit: string): string {
    const alone = this.#held.length === 1;
    if (alone && unit === '[') return this.#begin('sequence');
    if (alone && STRINGS.escape.includes(unit)) return this.#begin('string');
    if (unit >= ' ' && unit <= '/') return '';
    const isDrawing = alone ? ESCAPES.includes(unit) : WITH_SET.includes(this.#held.charAt(0));
    return this.#end(isDrawing, '\u001b');
  }

  #sequence(unit: string): string {
    if (unit >= ' ' && unit <= '?') return '';
    const [, prefix = '', between = ''] = /^([<=>?]*)[0-9:;]*([ -/]*).$/su.exec(this.#held) ?? [];
    const isDrawing =
      between === ''
        ? (prefix === '' && DRAWS.plain.includes(unit)) ||
          (prefix === '?' && DRAWS.private.includes(unit))
        : prefix === '' && DRAWS_TOO.includes(between + unit);
    return this.#end(isDrawing, '\u001b[');
  }

  #end(isDrawing: boolean, opening: string): string {
    const whole = opening + this.#held;
    this.#begin('ground');
    return isDrawing ? whole : '';
  }
}
