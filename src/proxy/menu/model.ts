import type { ReachableMachine } from '../../domain/control-plane.ts';
import { printable } from '../../domain/log.ts';
import type { Key } from './keys.ts';
import { withoutLast } from './width.ts';
import { GONE } from './words.ts';

/** The longest filter, in UTF-16 units. */
const LONGEST_FILTER = 64;

/** A machine as the menu shows it: fit for a terminal. */
export interface Entry {
  readonly name: string;
  readonly address: string;
  /** `key=value`, in the order of the keys; a key alone where the value is empty. */
  readonly tags: string;
  readonly lastUsedAt: Date | null;
  /** It is not to be reached any more, and stays for as long as it is selected. */
  readonly gone?: boolean;
  /** All of these, folded: what a filter is looked for in. */
  readonly folded: string;
}

export interface MenuState {
  readonly entries: readonly Entry[];
  readonly filter: string;
  /** The entries that the filter leaves. */
  readonly found: readonly Entry[];
  /** Index in `found`; 0 when nothing is found. */
  readonly selected: number;
}

export type Pressed =
  | { readonly type: 'stay'; readonly state: MenuState }
  | { readonly type: 'chosen'; readonly name: string }
  | { readonly type: 'left' };

/** Text in which case, width and composition make no difference. */
export function fold(text: string): string {
  return text.normalize('NFKC').toUpperCase().toLowerCase();
}

export function entryOf({ name, address, tags, lastUsedAt }: ReachableMachine): Entry {
  const pairs = Object.entries(tags)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => (value === '' ? key : `${key}=${value}`));
  const shown = {
    name: printable(name),
    address: printable(address, 300),
    tags: printable(pairs.join(' '), 500),
  };
  return { ...shown, lastUsedAt, folded: fold(`${shown.name} ${shown.address} ${shown.tags}`) };
}

/** The entries in which every word of the filter stands. */
export function matching(entries: readonly Entry[], filter: string): readonly Entry[] {
  const words = fold(filter).split(/\s+/u).filter(Boolean);
  if (words.length === 0) return entries;
  return entries.filter(({ folded }) => words.every((word) => folded.includes(word)));
}

export function menuOf(entries: readonly Entry[]): MenuState {
  return { entries, filter: '', found: entries, selected: 0 };
}

function filtered(state: MenuState, filter: string): MenuState {
  if (filter.length > LONGEST_FILTER || filter === state.filter) return state;
  return { ...state, filter, found: matching(state.entries, filter), selected: 0 };
}

function moved(state: MenuState, to: number): MenuState {
  const selected = Math.max(0, Math.min(state.found.length - 1, to));
  return { ...state, selected };
}

/**
 * The state with other entries: the filter stays, and the selection stays on its entry. One that is gone
 * stays until another is selected: nobody who is about to press Enter gets the next one instead.
 */
export function renewed(state: MenuState, entries: readonly Entry[]): MenuState {
  const selected = state.found[state.selected];
  const isThere = selected === undefined || entries.some(({ name }) => name === selected.name);
  const all = isThere ? entries : withGone(state, entries, selected);
  const found = matching(all, state.filter);
  const at = found.findIndex(({ name }) => name === selected?.name);
  const kept = Math.min(state.selected, Math.max(0, found.length - 1));
  return { ...state, entries: all, found, selected: at === -1 ? kept : at };
}

function withGone(state: MenuState, entries: readonly Entry[], selected: Entry): readonly Entry[] {
  const at = state.entries.findIndex(({ name }) => name === selected.name);
  return entries.toSpliced(at, 0, { ...selected, address: GONE, gone: true });
}

/** Without what is gone and not selected any more. */
function tidied(state: MenuState): MenuState {
  const { entries, found, selected } = state;
  const isOver = (one: Entry): boolean => one.gone === true && one !== found[selected];
  if (!entries.some(isOver)) return state;
  return renewed(
    state,
    entries.filter((one) => !isOver(one)),
  );
}

function typed(state: MenuState, text: string, stay: (next: MenuState) => Pressed): Pressed {
  if (text === 'q' && state.filter === '') return { type: 'left' };
  return stay(filtered(state, state.filter + text));
}

/** What a key does; `page` is how many entries a page shows. Pure. */
export function press(state: MenuState, key: Key, page: number): Pressed {
  const stay = (next: MenuState): Pressed => ({ type: 'stay', state: tidied(next) });
  const { selected, found } = state;
  switch (key.type) {
    case 'text':
      return typed(state, key.text, stay);
    case 'up':
      return stay(moved(state, selected - 1));
    case 'down':
      return stay(moved(state, selected + 1));
    case 'page-up':
      return stay(moved(state, selected - page));
    case 'page-down':
      return stay(moved(state, selected + page));
    case 'home':
      return stay(moved(state, 0));
    case 'end':
      return stay(moved(state, found.length - 1));
    case 'backspace':
      return stay(filtered(state, withoutLast(state.filter)));
    case 'clear':
    case 'escape':
      return stay(filtered(state, ''));
    case 'enter': {
      const entry = found[selected];
      return entry === undefined ? stay(state) : { type: 'chosen', name: entry.name };
    }
    case 'leave':
      return { type: 'left' };
    default:
      return key satisfies never;
  }
}
