import { type Found, fold, matches, type SearchKind } from './search.ts';

/** Lines before and behind the one that is shown. */
const NEIGHBOURS = 2;
/** UTF-16 units of a line that are shown, around what was found in it. */
const LONGEST_LINE = 400;

/** A line that was found, as it is shown. */
export interface SearchHit {
  readonly kind: SearchKind;
  readonly at: Date;
  readonly sessionId: number;
  readonly channel: number;
  /** Of the recording. */
  readonly second: number;
  readonly until: number | null;
  readonly line: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly userName: string;
  readonly machineName: string;
  readonly login: string;
  readonly isLive: boolean;
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}

/**
 * A text that was found, as somebody sees it from whom something is hidden: null where that takes a
 * word away that was searched for, so that what is hidden cannot be found either. What is hidden may
 * go over the ends of the text.
 */
export function hiddenFound(
  found: Found,
  words: readonly string[],
  hide: (text: string) => string,
): Found | null {
  const [before, text, after] = [found.before, found.text, found.after].map(linesOf);
  if (before === undefined || text === undefined || after === undefined) return null;
  const all = hide([...before, ...text, ...after].join('\n')).split('\n');
  if (all.length !== before.length + text.length + after.length) return null;
  const end = before.length + text.length;
  const hidden = {
    ...found,
    before: all.slice(0, before.length).join('\n'),
    text: all.slice(before.length, end).join('\n'),
    after: all.slice(end).join('\n'),
  };
  return matches(hidden.text, words) ? hidden : null;
}

/** The part of a long line around the first word. */
function clipped(line: string, words: readonly string[]): string {
  if (line.length <= LONGEST_LINE) return line;
  const places = words.map((word) => fold(line).indexOf(word)).filter((at) => at >= 0);
  const from = Math.max(0, Math.min(...places, line.length) - LONGEST_LINE / 4);
  const part = line.slice(from, from + LONGEST_LINE).toWellFormed();
  return `${from > 0 ? '…' : ''}${part}${from + LONGEST_LINE < line.length ? '…' : ''}`;
}

/** The line with the most of the words, the first of these, with its neighbours. */
export function hitOf(found: Found, words: readonly string[]): SearchHit {
  const before = linesOf(found.before);
  const own = found.text.split('\n');
  const counts = own.map((line) => {
    const folded = fold(line);
    return words.filter((word) => folded.includes(word)).length;
  });
  const at = before.length + counts.indexOf(Math.max(...counts));
  const all = [...before, ...own, ...linesOf(found.after)];
  const { kind, sessionId, channel, second, until, userName, machineName, login, isLive } = found;
  const short = (line: string): string => clipped(line, words);
  return {
    ...{ kind, at: found.at, sessionId, channel, second, until },
    line: short(all[at] ?? ''),
    before: all.slice(Math.max(0, at - NEIGHBOURS), at).map(short),
    after: all.slice(at + 1, at + 1 + NEIGHBOURS).map(short),
    ...{ userName, machineName, login, isLive },
  };
}

/** The page of the console that plays the recording from there: a path with its query. */
export function replayPath({ sessionId, channel, second, isLive }: SearchHit): string {
  const t = Math.floor(second * 10) / 10;
  // A session that goes on is otherwise shown as it is now.
  const start = isLive ? '&from=start' : '';
  return `/sessions/${sessionId}?channel=${channel}&t=${t}${start}`;
}
