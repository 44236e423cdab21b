import type { Counters } from '../domain/counters.ts';
import type { Logger } from '../domain/log.ts';
import { MemoryCounters } from './memory-counters.ts';
import { openRedisCounters } from './redis-counters.ts';

export interface CounterOptions {
  /** Null: counted in this process. */
  readonly redisUrl: string | null;
  /** This node's name. */
  readonly node: string;
  readonly log: Logger;
}

/**
 * The counters. A Redis that is down stops nothing, now or later: `started` and `ended` are kept
 * here and told to it when it is back, `active` rejects meanwhile. Throws `counters.url` alone.
 */
export async function openCounters(options: CounterOptions): Promise<Counters> {
  const { redisUrl, node, log } = options;
  return redisUrl === null
    ? new MemoryCounters()
    : await openRedisCounters({ redisUrl, node, log });
}
