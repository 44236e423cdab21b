import type { Counters, CountStore } from '../domain/counters.ts';
import type { Logger } from '../domain/log.ts';
import { DatabaseCounters } from './database-counters.ts';
import { MemoryCounters } from './memory-counters.ts';
import { openRedisCounters } from './redis-counters.ts';

export interface CounterOptions {
  /** Null: counted in this process, or in the database. */
  readonly redisUrl: string | null;
  /** What they are to be equal to. */
  readonly truth: CountStore;
  /** Whether other nodes may write to the same database. */
  readonly shared: boolean;
  readonly log: Logger;
  /** Left out: the clock. */
  readonly now?: () => Date;
}

/**
 * The counters, which answer once they are rebuilt. A Redis that is down stops nothing, now or later:
 * reading rejects meanwhile. Throws `counters.url` alone.
 */
export async function openCounters(options: CounterOptions): Promise<Counters> {
  const { redisUrl, truth, shared, log, now = () => new Date() } = options;
  if (redisUrl !== null) return await openRedisCounters({ redisUrl, truth, log, now });
  return shared ? new DatabaseCounters(truth) : new MemoryCounters(truth, now);
}
