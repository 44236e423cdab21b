import { bodySpan, goesOn, hasKeyMark, keyLineOf } from './key-block.ts';
import type { Masks } from './masks.ts';
import { OVERLAP, type RuleSet, WINDOW } from './rule-set.ts';
import type { Span } from './span.ts';

/** A stretch of a run that lies in one piece in one event. */
interface Stretch {
  /** In the run. */
  readonly at: number;
  readonly event: number;
  /** In the event's text; -1: it is in none. */
  readonly from: number;
}

/**
 * The characters that were printed one after the other without the cursor being moved: a secret is found in them
 * whatever the terminal does with it, wherever its events were cut.
 */
export class PrintedRun {
  readonly #rules: RuleSet;
  readonly #masks: Masks;
  #text = '';
  #stretches: Stretch[] = [];
  #inKey = false;

  constructor(rules: RuleSet, masks: Masks) {
    this.#rules = rules;
    this.#masks = masks;
  }

  /** `text` as it stands in the event at `from`; -1: it stands for what does not. */
  add(text: string, event: number, from: number): void {
    const last = this.#stretches.at(-1);
    const follows =
      last !== undefined &&
      last.event === event &&
      last.from !== -1 &&
      from === last.from + this.#text.length - last.at;
    if (!follows) this.#stretches.push({ at: this.#text.length, event, from });
    this.#text += text;
    if (this.#text.length > WINDOW) this.#cut();
  }

  /** Takes the last character back. */
  erase(): void {
    this.#text = this.#text.slice(0, -1);
    while ((this.#stretches.at(-1)?.at ?? -1) >= this.#text.length) this.#stretches.pop();
  }

  /**
   * The cursor was moved: what follows belongs to something else. `isLine`: to another line. `begun`: it may go on;
   * it is looked at with these rules, too.
   */
  end(isLine: boolean, begun: RuleSet | null = null): void {
    if (this.#text === '') return;
    for (const span of begun?.find(this.#text) ?? []) this.#cover(span);
    this.#look(isLine);
    this.#text = '';
    this.#stretches = [];
  }

  #cut(): void {
    this.#look(false);
    const cut = this.#text.length - OVERLAP;
    const first = this.#stretches.findLastIndex(({ at }) => at <= cut);
    this.#stretches = this.#stretches.slice(first).map(({ at, event, from }) => {
      const passed = Math.max(0, cut - at);
      return { at: Math.max(0, at - cut), event, from: from === -1 ? -1 : from + passed };
    });
    this.#text = this.#text.slice(cut);
  }

  #look(isLine: boolean): void {
    for (const span of this.#rules.find(this.#text)) this.#cover(span);
    if (!this.#rules.hidesKeys || !(this.#inKey || hasKeyMark(this.#text))) return;
    const kind = keyLineOf(this.#text);
    if (this.#inKey && (kind === 'body' || kind === 'field')) this.#cover(bodySpan(this.#text));
    // Pieces of one line say nothing about where a key ends.
    if (kind === 'begin' || isLine) this.#inKey = goesOn(kind, this.#inKey);
  }

  #cover({ from, to }: Span): void {
    for (const [index, stretch] of this.#stretches.entries()) {
      const end = this.#stretches[index + 1]?.at ?? this.#text.length;
      const [first, last] = [Math.max(from, stretch.at), Math.min(to, end)];
      if (first >= last || stretch.from === -1) continue;
      const shift = stretch.from - stretch.at;
      this.#masks.add(stretch.event, { from: first + shift, to: last + shift, kind: 'cover' });
    }
  }
}
