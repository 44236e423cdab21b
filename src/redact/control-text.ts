import type { Masks } from './masks.ts';
import type { RuleSet } from './rule-set.ts';
import type { Span } from './span.ts';

/** UTF-16 units of a control string that are looked at together; longer ones are looked at in parts. */
const LONGEST = 256 * 1024;

interface Part extends Span {
  readonly event: number;
}

/**
 * What a control string (OSC, DCS, …) says: titles, the clipboard, images. One with a secret in it loses all that
 * it says.
 */
export class ControlText {
  readonly #rules: RuleSet;
  readonly #masks: Masks;
  #text = '';
  #parts: Part[] = [];

  constructor(rules: RuleSet, masks: Masks) {
    this.#rules = rules;
    this.#masks = masks;
  }

  add(text: string, event: number, at: number): void {
    const last = this.#parts.at(-1);
    if (last?.event === event && last.to === at) {
      this.#parts[this.#parts.length - 1] = { ...last, to: at + text.length };
    } else {
      this.#parts.push({ event, from: at, to: at + text.length });
    }
    this.#text += text;
    if (this.#text.length >= LONGEST) this.end();
  }

  end(): void {
    if (this.#isSecret()) {
      for (const { event, from, to } of this.#parts) {
        this.#masks.add(event, { from, to, kind: 'drop' });
      }
    }
    this.#text = '';
    this.#parts = [];
  }

  #isSecret(): boolean {
    if (this.#rules.find(this.#text).length > 0) return true;
    // xterm's OSC 52: the clipboard, in base64.
    const clipboard = /^52;[^;]{0,20};([A-Za-z0-9+/=]+)$/.exec(this.#text)?.[1];
    if (clipboard === undefined) return false;
    const lines = Buffer.from(clipboard, 'base64')
      .toString('utf8')
      .split(/[\r\n]+/);
    return lines.some((line) => this.#rules.find(line).length > 0);
  }
}
