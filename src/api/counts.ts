import type { Counts } from '../domain/counters.ts';
import { reasonOf } from '../domain/log.ts';
import type { ApiDeps } from './deps.ts';

export const SOURCES = ['counters', 'database'] as const;

/** Something counted, and who counted it. */
interface Counted<T> {
  readonly counts: T;
  readonly source: (typeof SOURCES)[number];
}

/** Read from the counters, which all nodes share; from the database when they do not answer. */
export async function countedBy<T>(
  deps: Pick<ApiDeps, 'counters' | 'store' | 'log'>,
  read: (from: Counts) => Promise<T>,
): Promise<Counted<T>> {
  const { counters, store, log } = deps;
  if (counters.source !== 'database') {
    try {
      return { counts: await read(counters), source: 'counters' };
    } catch (error) {
      log.warn('counters do not answer; counted in the database', { reason: reasonOf(error) });
    }
  }
  return { counts: await read(store.counts), source: 'database' };
}
