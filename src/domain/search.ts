export const SEARCH_KINDS = ['command', 'output'] as const;
export type SearchKind = (typeof SEARCH_KINDS)[number];

/** UTF-16 units of what may be searched for, and words in it. */
export const LONGEST_SEARCH = 200;
export const MOST_WORDS = 8;
/** Characters that one of the words has at least: what an index of parts can look up. */
export const SHORTEST_WORD = 3;

/** As text is compared: without regard to case, in any script, whether composed or not. */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase().replaceAll('ς', 'σ');
}

/**
 * The words of `q`, folded: all of them have to be found. What stands between quotes is one, with its
 * spaces; a quote that is not closed goes to the end. Null: it is too short or has too many.
 */
export function searchedWords(q: string): readonly string[] | null {
  const found = [...fold(q).matchAll(/"([^"]*)"?|[^\s"]+/g)].map(([whole, quoted]) => {
    return quoted === undefined ? whole : quoted;
  });
  const words = [...new Set(found.filter((word) => word.trim() !== ''))];
  const long = words.some((word) => [...word].length >= SHORTEST_WORD);
  return long && words.length <= MOST_WORDS ? words : null;
}

/** Whether all of the words are in the text. */
export function matches(text: string, words: readonly string[]): boolean {
  const folded = fold(text);
  return words.every((word) => folded.includes(word));
}

/** What is searched, besides its words; what is left out does not matter. */
export interface SearchFilter {
  readonly words: readonly string[];
  readonly kind?: SearchKind;
  readonly userId?: number;
  readonly machineId?: number;
  readonly sessionId?: number;
  /**
   * Whose texts alone may be seen; left out: everybody's. What others' hold is not even in the time
   * that a search takes.
   */
  readonly onlyOf?: number;
  /** Seen at or after, seen before. */
  readonly from?: Date;
  readonly to?: Date;
}

/** Where in the list of everything, newest first, a page ends. */
export interface SearchPlace {
  readonly at: Date;
  readonly kind: SearchKind;
  readonly id: number;
}

/** A command, or a piece of what was to be seen, that has all the words. */
export interface Found extends SearchPlace {
  readonly sessionId: number;
  readonly channel: number;
  /** Of the recording. */
  readonly key: string;
  /** Whether it is still being written. */
  readonly isGrowing: boolean;
  /** Of a program that has the whole screen: what stands there may be older than `second` says. */
  readonly isScreen: boolean;
  /** Seconds of the recording; `until` null: it goes on, or nobody knows. */
  readonly second: number;
  readonly until: number | null;
  readonly text: string;
  /** What stands before and behind it in the channel; empty for commands. */
  readonly before: string;
  readonly after: string;
  readonly userName: string;
  readonly machineName: string;
  readonly login: string;
  /** Whether the session goes on. */
  readonly isLive: boolean;
}

export interface SearchRequest {
  /** 1 to 100. */
  readonly limit: number;
  readonly after: SearchPlace | null;
  /**
   * Whether a hit may be shown, and how: null hides it, as if it were not there. For texts that are
   * searched as they are and shown otherwise.
   */
  readonly shown: (found: Found) => Found | null | Promise<Found | null>;
}

export interface SearchPage {
  readonly hits: readonly Found[];
  /** Where to go on; a page that took long has fewer hits than asked for. Null: the end. */
  readonly next: SearchPlace | null;
}

/**
 * Search over what recordings hold. Implemented by store/search.ts: in bounded time, whatever is
 * searched for; throws `search.too_slow` when even the beginning took longer.
 */
export interface SearchStore {
  find(filter: SearchFilter, request: SearchRequest): Promise<SearchPage>;
}
