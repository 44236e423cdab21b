import type { Counters } from '../domain/counters.ts';
import type { Logger } from '../domain/log.ts';
import type { SessionStore } from '../domain/session.ts';
import { DatabaseCounters } from './database-counters.ts';
import { MemoryCounters } from './memory-counters.ts';
import { openRedisCounters } from './redis-counters.ts';

export interface CounterOptions {
  /** Null: counted in this process, or in `shared`. */
  readonly redisUrl: string | null;
  /** The sessions of all nodes where there can be several; left out: there is this one. */
  readonly shared?: Pick<SessionStore, 'live'> | null;
  /** This node's name. */
  readonly node: string;
  readonly log: Logger;
}

/**
 * The counters. A Redis that is down stops nothing, now or later: `started` and `ended` are kept
 * here and told to it when it is back, `active` rejects meanwhile. Throws `counters.url` alone.
 */
export async function openCounters(options: CounterOptions): Promise<Counters> {
  const { redisUrl, shared = null, node, log } = options;
  if (redisUrl !== null) return await openRedisCounters({ redisUrl, node, log });
  return shared === null ? new MemoryCounters() : new DatabaseCounters(shared);
}
