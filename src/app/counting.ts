import type { Config } from '../config/load.ts';
import type { Counters } from '../domain/counters.ts';
import { GuessLimit } from '../domain/guess-limit.ts';
import type { Logger } from '../domain/log.ts';
import type { Store } from '../domain/store.ts';
import { openAttempts } from '../store/attempts.ts';
import { openCounters } from '../store/counters.ts';
import type { Closers } from './closers.ts';

/** What is counted for all nodes: what runs, and who fails to sign in. */
export async function openCounting(
  config: Config,
  store: Store,
  log: Logger,
  closers: Closers,
): Promise<{ readonly counters: Counters; readonly guesses: GuessLimit }> {
  const redisUrl = config.redisUrl?.expose() ?? null;
  const shared = config.databaseUrl !== null;
  const counters = await openCounters({ redisUrl, truth: store.counts, shared, log });
  closers.add('the counters', () => counters.close());
  const attempts = await openAttempts({ redisUrl, log });
  closers.add('the counters of attempts', () => attempts.close());
  return { counters, guesses: new GuessLimit(attempts) };
}
