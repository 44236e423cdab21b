import { widthOf } from '../replay/terminal/width.ts';
import type { Span } from './span.ts';

/** Masks of one recording; beyond that it cannot be shown. */
const MOST = 1_000_000;

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

  get isEmpty(): boolean {
    return this.#byEvent.size === 0;
  }

  hasAny(event: number): boolean {
    return this.#byEvent.has(event);
  }

  /** The text of an event as it may be shown. */
  apply(event: number, text: string): string {
    const masks = this.#byEvent.get(event);
    if (masks === undefined) return text;
    const kinds = new Uint8Array(text.length);
    for (const { from, to, kind } of masks) {
      const end = Math.min(to, text.length);
      for (let at = from; at < end; at += 1) {
        kinds[at] = Math.max(kinds[at] ?? 0, kind === 'drop' ? 2 : 1);
      }
    }
    let shown = '';
    for (let at = 0; at < text.length; ) {
      const code = text.codePointAt(at) ?? 0;
      const length = code > 0xffff ? 2 : 1;
      if (kinds[at] === 0) shown += text.slice(at, at + length);
      else if (kinds[at] === 1) shown += asterisk(code);
      at += length;
    }
    return shown;
  }

  /** Numbers for a file: of each mask the event, from, to, and 1 for `drop`. */
  toNumbers(): number[] {
    const numbers: number[] = [];
    for (const [event, masks] of this.#byEvent) {
      for (const { from, to, kind } of masks) {
        numbers.push(event, from, to, kind === 'drop' ? 1 : 0);
      }
    }
    return numbers;
  }

  /** Throws for what `toNumbers` has not made. */
  static fromNumbers(numbers: readonly number[]): Masks {
    const masks = new Masks();
    for (let at = 0; at < numbers.length; at += 4) {
      const [event, from, to, drop] = numbers.slice(at, at + 4);
      const whole = [event, from, to, drop].every((one) => Number.isSafeInteger(one));
      if (!whole) throw new Error('masks that are none');
      const kind = drop === 1 ? 'drop' : 'cover';
      masks.add(event ?? 0, { from: from ?? 0, to: to ?? 0, kind });
    }
    return masks;
  }
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
