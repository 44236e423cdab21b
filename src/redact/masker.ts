import type { CastEvent } from '../domain/recording.ts';
import { sizeOf } from '../domain/terminal-size.ts';
import { assertFits } from '../replay/terminal/cells.ts';
import { Masks } from './masks.ts';
import { PrintedRun } from './printed-run.ts';
import type { RuleSet } from './rule-set.ts';
import { Tracer } from './tracer.ts';

/** What is known of a recording before its events. */
export interface TracedRecording {
  readonly cols: number;
  readonly rows: number;
  readonly pty: boolean;
}

/**
 * The first of two passes over a recording: finds what is secret in what its programs wrote, as it could be read, and
 * in what was typed. The same events are to be shown through the masks in the second.
 */
export class Masker {
  readonly masks = new Masks();
  readonly #rules: RuleSet;
  /** What a terminal showed of both outputs, and without one what each of them said by itself. */
  readonly #tracers: readonly { readonly of: boolean | null; readonly tracer: Tracer }[];
  readonly #typed: PrintedRun;
  #events = 0;

  /** Throws where the terminal is too large, as `add` does. */
  constructor({ cols, rows, pty }: TracedRecording, rules: RuleSet) {
    assertFits(cols, rows);
    this.#rules = rules;
    const outputs = pty ? [null] : [null, false, true];
    this.#tracers = outputs.map((of) => {
      const options = { pty, rules, masks: this.masks, showsScreen: of === null };
      return { of, tracer: new Tracer(cols, rows, options) };
    });
    this.#typed = new PrintedRun(rules, this.masks);
  }

  /** How many events there were. */
  get events(): number {
    return this.#events;
  }

  /** Throws when the terminal becomes too large, or more is secret than can be noted. */
  add({ code, data, isError }: CastEvent): void {
    const event = this.#events;
    this.#events += 1;
    if (code === 'o') this.#output(event, data, isError);
    else if (code === 'i') this.#input(event, data);
    else if (code === 'r') this.#resize(data);
    else {
      for (const { from, to } of this.#rules.find(data)) {
        this.masks.add(event, { from, to, kind: 'cover' });
      }
    }
  }

  /** `begun`, of a recording that goes on: rules that find what has only begun in what stands there now. */
  end(begun: RuleSet | null = null): void {
    for (const { tracer } of this.#tracers) tracer.end(begun);
    this.#typed.end(true, begun);
  }

  #output(event: number, data: string, isError: boolean): void {
    for (const { of, tracer } of this.#tracers) {
      if (of === null || of === isError) tracer.trace(event, data);
    }
  }

  #resize(data: string): void {
    const size = sizeOf(data);
    if (size === null) return;
    assertFits(size.cols, size.rows);
    for (const { tracer } of this.#tracers) tracer.resize(size.cols, size.rows);
  }

  /** A line that is typed: keys that go back take what was typed back, others end it. */
  #input(event: number, data: string): void {
    for (let at = 0; at < data.length; at += 1) {
      const unit = data.charCodeAt(at);
      if (unit === 0x7f || unit === 0x08) this.#typed.erase();
      else if (unit < 0x20) this.#typed.end(unit === 0x0a || unit === 0x0d);
      else this.#typed.add(data.charAt(at), event, at);
    }
  }
}

/** The second pass: the same events as they may be shown; at most `most` of them. */
export async function* shown(
  events: AsyncIterable<CastEvent>,
  masks: Masks,
  most: number,
): AsyncGenerator<CastEvent> {
  let event = 0;
  for await (const one of events) {
    if (event >= most) return;
    yield masks.hasAny(event) ? { ...one, data: masks.apply(event, one.data) } : one;
    event += 1;
  }
}
