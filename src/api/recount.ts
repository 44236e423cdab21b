import { reasonOf } from '../domain/log.ts';
import type { ApiDeps } from './deps.ts';

/** After users or machines were removed, whose sessions count without an id from then on. Never rejects. */
export async function recount({ counters, log }: Pick<ApiDeps, 'counters' | 'log'>): Promise<void> {
  try {
    await counters.rebuild();
  } catch (error) {
    log.warn('the counters could not be rebuilt', { reason: reasonOf(error) });
  }
}
