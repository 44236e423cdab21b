import { widthOf } from '../replay/terminal/width.ts';
import type { Span } from './span.ts';

/** Masks of one recording; beyond that it cannot be shown. */
const MOST = 200_000;

/** `cover`: characters become as many asterisks of the same width; `drop`: they are left out. */
export type MaskKind = 'cover' | 'drop';

/** What of one event is hidden: UTF-16 units of its text. */
export interface Mask extends Span {
  readonly kind: MaskKind;
}

/** What of a recording's events is hidden; `event` counts all events from 0. */
export class Masks {
  readonly #byEvent = new Map<number, Mask[]>();
  #count = 0;

  /** Answers whether it is news. Throws when there are too many. */
  add(event: number, mask: Mask): boolean {
    const masks = this.#byEvent.get(event);
    const isKnown = masks?.some(
      ({ from, to, kind }) => kind === mask.kind && from <= mask.from && mask.to <= to,
    );
    if (isKnown === true) return false;
    this.#count += 1;
    if (this.#count > MOST) throw new Error('more is secret in it than can be noted');
    if (masks === undefined) this.#byEvent.set(event, [mask]);
    else masks.push(mask);
    return true;
  }

  hasAny(event: number): boolean {
    return this.#byEvent.has(event);
  }

  /** The text of an event as it may be shown. */
  apply(event: number, text: string): string {
    const masks = this.#byEvent.get(event);
    return masks === undefined ? text : hidden(text, masks);
  }

  /** Numbers: of each mask the event, from, to, and 1 for `drop`. */
  toNumbers(): number[] {
    const numbers: number[] = [];
    for (const [event, masks] of this.#byEvent) {
      for (const { from, to, kind } of masks) {
        numbers.push(event, from, to, kind === 'drop' ? 1 : 0);
      }
    }
    return numbers;
  }

  /** Of what `toNumbers` has made. */
  static fromNumbers(numbers: ArrayLike<number>): Masks {
    const masks = new Masks();
    for (let at = 0; at + 3 < numbers.length; at += 4) {
      const [event = 0, from = 0, to = 0] = [numbers[at], numbers[at + 1], numbers[at + 2]];
      const mask = { from, to, kind: numbers[at + 3] === 1 ? 'drop' : 'cover' } as const;
      const others = masks.#byEvent.get(event);
      if (others === undefined) masks.#byEvent.set(event, [mask]);
      else others.push(mask);
      masks.#count += 1;
    }
    return masks;
  }

  /** How many. */
  get size(): number {
    return this.#count;
  }
}

function hidden(text: string, masks: readonly Mask[]): string {
  const kinds: (MaskKind | undefined)[] = Array.from({ length: text.length });
  for (const { from, to, kind } of masks) {
    for (let at = from; at < Math.min(to, text.length); at += 1) {
      if (kinds[at] !== 'drop') kinds[at] = kind;
    }
  }
  let shown = '';
  let at = 0;
  for (const character of text) {
    const kind = kinds[at];
    if (kind === undefined) shown += character;
    else if (kind === 'cover') shown += asterisk(character.codePointAt(0) ?? 0);
    at += character.length;
  }
  return shown;
}

/** As wide as the character that it stands for. */
function asterisk(code: number): string {
  return widthOf(code) === 2 ? '＊' : '*';
}

/** A line of text with its secrets covered. */
export function covered(text: string, spans: readonly Span[]): string {
  let shown = '';
  let at = 0;
  for (const { from, to } of spans) {
    shown += text.slice(at, from);
    for (const character of text.slice(from, to)) shown += asterisk(character.codePointAt(0) ?? 0);
    at = to;
  }
  return shown + text.slice(at);
}
