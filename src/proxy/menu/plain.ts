import type { Key } from './keys.ts';
import { type Entry, fold, matching } from './model.ts';
import { withoutLast } from './width.ts';
import { ago } from './words.ts';

/** The longest answer, in UTF-16 units. */
const LONGEST_ANSWER = 64;

/** Machines of one page. */
const MOST_ON_PAGE = 20;

export type Answered =
  | { readonly type: 'stay'; readonly state: PlainState; readonly out: string }
  | { readonly type: 'chosen'; readonly name: string; readonly out: string }
  | { readonly type: 'left'; readonly out: string };

/** The menu as a dialogue, for screen readers and terminals that only print lines. */
export interface PlainState {
  readonly entries: readonly Entry[];
  /** What is listed: the numbers count in it, from 1. */
  readonly found: readonly Entry[];
  /** Index in `found` of the page's first. */
  readonly first: number;
  readonly page: number;
  readonly line: string;
}

export function plainMenu(entries: readonly Entry[], rows: number): PlainState {
  const page = Math.max(1, Math.min(MOST_ON_PAGE, rows - 4));
  return { entries, found: entries, first: 0, page, line: '' };
}

/** Other machines, by name from now on, and by number when they are listed next: numbers keep what they were said to mean. */
export function renewedPlain(state: PlainState, entries: readonly Entry[]): PlainState {
  return { ...state, entries };
}

/** The page and the question. */
export function listed(state: PlainState, now: Date): string {
  const { found, first, page } = state;
  const shown = found.slice(first, first + page);
  const last = first + shown.length;
  const lines = shown.map(({ name, address, tags, lastUsedAt }, index) => {
    const used = lastUsedAt === null ? 'never used' : `last used ${ago(lastUsedAt, now)}`;
    return `${first + index + 1}. ${[name, address, used, tags].filter(Boolean).join(', ')}`;
  });
  return [
    '',
    `Machines ${first + 1} to ${last} of ${found.length}:`,
    ...lines,
    question(state),
  ].join('\r\n');
}

function question({ found, entries, page }: PlainState): string {
  const more = found.length > page ? ', Enter for the next page' : '';
  const all =
    found.some((one) => !entries.includes(one)) || found.length < entries.length
      ? ', * for all'
      : '';
  return `Number, name or part of it${more}${all}, q to leave: `;
}

function answered(state: PlainState, now: Date): Answered {
  const line = state.line.trim();
  const again = (change: Partial<PlainState>, before = ''): Answered => {
    const next = { ...state, line: '', ...change };
    return { type: 'stay', state: next, out: `\r\n${before}${listed(next, now)}` };
  };
  if (line === 'q') return { type: 'left', out: '\r\n' };
  if (line === '*') return again({ found: state.entries, first: 0 });
  if (line === '') {
    const next = state.first + state.page;
    return again({ first: next < state.found.length ? next : 0 });
  }
  const named = state.entries.find(({ name }) => fold(name) === fold(line));
  const numbered = /^\d{1,4}$/.test(line) ? state.found[Number(line) - 1] : undefined;
  const chosen = named ?? numbered;
  if (chosen !== undefined) return { type: 'chosen', name: chosen.name, out: '\r\n' };
  const found = matching(state.entries, line);
  if (found.length > 0) return again({ found, first: 0 });
  const out = `\r\nNo machine here is like that.\r\n${question(state)}`;
  return { type: 'stay', state: { ...state, line: '' }, out };
}

/** What a key does, and what is printed for it. Pure. */
export function answer(state: PlainState, key: Key, now: Date): Answered {
  const same: Answered = { type: 'stay', state, out: '' };
  switch (key.type) {
    case 'text': {
      if (state.line.length + key.text.length > LONGEST_ANSWER) return same;
      return { type: 'stay', state: { ...state, line: state.line + key.text }, out: key.text };
    }
    case 'backspace':
    case 'clear': {
      const line = key.type === 'clear' ? '' : withoutLast(state.line);
      if (line === state.line) return same;
      // A terminal that only prints lines cannot take back: the line is said again.
      return { type: 'stay', state: { ...state, line }, out: `\r\n${question(state)}${line}` };
    }
    case 'enter':
      return answered(state, now);
    case 'leave':
      return { type: 'left', out: '\r\n' };
    default:
      return same;
  }
}
