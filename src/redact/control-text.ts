import { keyLineOf } from './key-block.ts';
import type { Masks } from './masks.ts';
import { OVERLAP, type RuleSet } from './rule-set.ts';
import type { Span } from './span.ts';

/** UTF-16 units of a control string that are looked at together; longer ones are looked at in parts. */
const LONGEST = 256 * 1024;

/** xterm's OSC 52: the clipboard, in base64. */
const CLIPBOARD = /^52;[^;]{0,100};/;

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
  /** Of the part that was looked at before, in the same string. */
  #before: readonly Part[] = [];
  /** The end of what that said, and of its base64 what does not make a whole. */
  #said = '';
  #rest = '';
  #isClipboard = false;
  /** The string has a secret in it: what comes of it has gone, too. */
  #hasSecret = false;

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
    if (this.#text.length >= LONGEST) this.#look(false);
  }

  /** `begun`: it may go on; it is looked at with these rules, too. */
  end(begun: RuleSet | null = null): void {
    this.#hasSecret ||= (begun?.find(this.#text).length ?? 0) > 0;
    this.#look(true);
    this.#before = [];
    this.#said = '';
    this.#rest = '';
    this.#isClipboard = false;
    this.#hasSecret = false;
  }

  #look(isEnd: boolean): void {
    this.#hasSecret = this.#isSecret(isEnd) || this.#hasSecret;
    if (this.#hasSecret) {
      for (const { event, from, to } of [...this.#before, ...this.#parts]) {
        this.#masks.add(event, { from, to, kind: 'drop' });
      }
    }
    this.#before = this.#parts;
    this.#text = '';
    this.#parts = [];
  }

  #isSecret(isEnd: boolean): boolean {
    const said = this.#said + this.#decoded(isEnd);
    this.#said = said.slice(-OVERLAP);
    const lines = said.split(/[\r\n]+/);
    if (this.#rules.hidesKeys && lines.some(isKeyMark)) return true;
    const text = lines.join('\n');
    return this.#rules.hide(text) !== text || this.#rules.find(this.#text).length > 0;
  }

  /** What the text stands for. */
  #decoded(isEnd: boolean): string {
    let text = this.#text;
    if (!this.#isClipboard && this.#before.length === 0) {
      const prefix = CLIPBOARD.exec(text)?.[0];
      this.#isClipboard = prefix !== undefined;
      text = text.slice(prefix?.length ?? 0);
    }
    if (!this.#isClipboard) return text;
    const base64 = this.#rest + text.replace(/[^A-Za-z0-9+/_-]/g, '');
    const whole = isEnd ? base64.length : base64.length - (base64.length % 4);
    this.#rest = base64.slice(whole);
    return Buffer.from(base64.slice(0, whole), 'base64').toString('utf8');
  }
}

function isKeyMark(line: string): boolean {
  const kind = keyLineOf(line);
  return kind === 'begin' || kind === 'end';
}
