import type { SearchFilter, SearchPlace } from '../domain/search.ts';
import { hitOf, type SearchHit } from '../domain/search-hit.ts';
import { seesEverything } from '../domain/visibility.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { FoundView } from './found-view.ts';
import { note } from './journal.ts';

/** What a caller searches. */
export interface Search {
  readonly filter: SearchFilter;
  readonly limit: number;
  readonly after: SearchPlace | null;
}

export interface SearchAnswer {
  readonly hits: readonly SearchHit[];
  readonly next: SearchPlace | null;
}

/**
 * Searches what the caller may see, newest first; the first page is noted in the audit, without what
 * was searched for. Throws `search.too_slow`.
 */
export async function search(
  deps: ApiDeps,
  caller: Caller,
  { filter, limit, after }: Search,
): Promise<SearchAnswer> {
  const { viewer } = caller;
  const own = seesEverything(viewer) ? null : viewer.userId;
  const { words } = filter;
  if (after === null) {
    await note(deps.store, caller, deps.clock(), 'recordings.searched', {
      machineId: filter.machineId ?? null,
      ...(filter.sessionId === undefined ? {} : { sessionId: filter.sessionId }),
      detail: { words: words.length },
    });
  }
  const view = new FoundView(deps, caller, words);
  const page = await deps.store.search.find(own === null ? filter : { ...filter, onlyOf: own }, {
    limit,
    after,
    shown: (found) => view.of(found),
  });
  return { hits: page.hits.map((found) => hitOf(found, words)), next: page.next };
}

/** A place as the API writes it. */
export const CURSOR = /^(\d{1,15})([co])(\d{1,15})$/;

/** Of a text that is a cursor. */
export function placeOf(cursor: string): SearchPlace {
  const [, ms, kind, id] = CURSOR.exec(cursor) ?? [];
  return { at: new Date(Number(ms)), kind: kind === 'c' ? 'command' : 'output', id: Number(id) };
}

export function cursorOf(place: SearchPlace | null): string | null {
  if (place === null) return null;
  return `${place.at.getTime()}${place.kind === 'command' ? 'c' : 'o'}${place.id}`;
}
