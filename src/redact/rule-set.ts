import { createHash } from 'node:crypto';
import type { OwnPattern, RedactionRules } from '../domain/redaction.ts';
import { Automaton } from './automaton.ts';
import { BEGINNINGS, DETECTORS, type Detector, HINT } from './builtin.ts';
import { bodySpan, KEY_FORMS, keyLinesIn } from './key-block.ts';
import { covered } from './masks.ts';
import { merged, type Span } from './span.ts';

/** Another way of looking for the same forms has another number. */
const VERSION = 3;

/**
 * UTF-16 units that are looked at in one piece, and those that the next piece has of the one before: more than the
 * longest built-in form has, a JSON web token.
 */
export const WINDOW = 32_768;
export const OVERLAP = 16_384;

/** What is to be hidden, ready to be looked for. */
export class RuleSet {
  /** Another one for other rules. */
  readonly id: string;
  readonly #detectors: readonly Detector[];
  readonly #own: readonly Automaton[];

  /** `begun`: also what has only begun. Throws `redaction.pattern` for a pattern that is not possible. */
  constructor({ patterns, without }: RedactionRules, extent: 'whole' | 'begun' = 'whole') {
    const detectors = extent === 'begun' ? [...DETECTORS, ...BEGINNINGS] : DETECTORS;
    this.#detectors = detectors.filter(({ name }) => !without.includes(name));
    this.#own = patterns.map(({ match }: OwnPattern) => Automaton.of(match));
    this.id = idOf(
      this.#detectors,
      patterns.map(({ match }) => match),
    );
  }

  /** Whether private keys are looked for line by line. */
  get hidesKeys(): boolean {
    return this.#detectors.some(({ name }) => name === 'private-key');
  }

  /** What of a line is secret. Takes time in proportion to its length, whatever it says. */
  find(text: string): readonly Span[] {
    if (text.length <= WINDOW) return this.#look(text);
    const found: Span[] = [];
    for (let at = 0; at < text.length; at += WINDOW - OVERLAP) {
      for (const { from, to } of this.#look(text.slice(at, at + WINDOW))) {
        found.push({ from: at + from, to: at + to });
      }
    }
    return merged(found);
  }

  /** A text of lines, with their secrets covered. */
  hide(text: string): string {
    const lines = text.split('\n');
    const keys = this.hidesKeys ? keyLinesIn(lines) : null;
    return lines
      .map((line, at) => covered(line, keys?.has(at) ? [bodySpan(line)] : this.find(line)))
      .join('\n');
  }

  #look(text: string): readonly Span[] {
    const found = this.#own.flatMap((own) => own.find(text));
    if (HINT.test(text)) {
      for (const { pattern } of this.#detectors) {
        for (const match of text.matchAll(pattern)) found.push(secretOf(match));
      }
    }
    return found.length === 0 ? found : merged(found);
  }
}

/** Of detectors by what they look for, so that nobody has to think of it who changes one. */
export function idOf(detectors: readonly Detector[], own: readonly string[]): string {
  const forms = detectors.map(({ name, pattern }) => [name, pattern.source, pattern.flags]);
  const all = JSON.stringify([VERSION, KEY_FORMS, forms, own]);
  return createHash('sha256').update(all).digest('hex').slice(0, 16);
}

/** The last group of a detector stands at the end of what it matches, or nearly. */
function secretOf(match: RegExpExecArray): Span {
  const [whole, secret = ''] = match;
  const at = match.index + whole.lastIndexOf(secret);
  const quote = secret.startsWith('"') || secret.startsWith("'") ? 1 : 0;
  return { from: at + quote, to: at + secret.length };
}
