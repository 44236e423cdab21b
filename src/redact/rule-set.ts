import { createHash } from 'node:crypto';
import type { OwnPattern, RedactionRules } from '../domain/redaction.ts';
import { Automaton } from './automaton.ts';
import { DETECTORS, type Detector, HINT } from './builtin.ts';
import { merged, type Span } from './span.ts';

/** Another version of the built-in forms, or of the way they are looked for, has another number. */
const VERSION = 1;

/** UTF-16 units that are looked at in one piece, and those that the next piece has of the one before. */
const WINDOW = 16_384;
const OVERLAP = 4096;

/** What is to be hidden, ready to be looked for. */
export class RuleSet {
  /** Another one for other rules. */
  readonly id: string;
  readonly #detectors: readonly Detector[];
  readonly #own: readonly Automaton[];

  /** Throws `redaction.pattern` for a pattern that is not possible. */
  constructor({ patterns, without }: RedactionRules) {
    this.#detectors = DETECTORS.filter(({ name }) => !without.includes(name));
    this.#own = patterns.map(({ match }: OwnPattern) => Automaton.of(match));
    const all = JSON.stringify([VERSION, patterns.map(({ match }) => match), [...without].sort()]);
    this.id = createHash('sha256').update(all).digest('hex').slice(0, 16);
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

  #look(text: string): readonly Span[] {
    const found: Span[] = [];
    if (HINT.test(text)) {
      for (const { pattern } of this.#detectors) {
        for (const match of text.matchAll(pattern)) {
          const secret = match[1];
          if (secret === undefined) continue;
          const at = match.index + match[0].lastIndexOf(secret);
          const quote = secret.startsWith('"') || secret.startsWith("'") ? 1 : 0;
          found.push({ from: at + quote, to: at + secret.length });
        }
      }
    }
    for (const own of this.#own) found.push(...own.find(text));
    return found.length === 0 ? found : merged(found);
  }
}
