import type { CastEvent } from '../../src/domain/recording.ts';
import { Masker, shown } from '../../src/redact/masker.ts';
import { RuleSet } from '../../src/redact/rule-set.ts';

export const RULES = new RuleSet({ patterns: [], without: [] });

export interface Size {
  readonly cols?: number;
  readonly rows?: number;
  readonly pty?: boolean;
}

export type Written = string | readonly [code: string, data: string];

function event(one: Written, at: number): CastEvent {
  if (typeof one === 'string') return { at, code: 'o', data: one, isError: false };
  const [code, data] = one;
  return { at, code: code === 'e' ? 'o' : code, data, isError: code === 'e' };
}

/** What is shown of what was written; `begun`: as of a recording that goes on. */
export async function through(
  written: readonly Written[],
  size: Size = {},
  begun: RuleSet | null = null,
): Promise<string[]> {
  const masker = new Masker({ cols: 80, rows: 24, pty: true, ...size }, RULES);
  const events = written.map(event);
  for (const one of events) masker.add(one);
  masker.end(begun);
  const all: string[] = [];
  async function* source() {
    yield* events;
  }
  for await (const { data } of shown(source(), masker.masks, masker.events)) all.push(data);
  return all;
}

/** Without escape sequences. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  return text.replaceAll(/\u001b(?:\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\[[0-9;?]*[A-Za-z])/g, '');
}
