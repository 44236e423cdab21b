import type { Attempts } from '../domain/attempts.ts';
import type { Logger } from '../domain/log.ts';
import { MemoryAttempts } from './memory-attempts.ts';
import { RedisAttempts } from './redis-attempts.ts';

/** The counters of failed sign-ins. Throws `counters.url` alone. */
export async function openAttempts({
  redisUrl,
  log,
}: {
  /** Null: counted in this process. */
  readonly redisUrl: string | null;
  readonly log: Logger;
}): Promise<Attempts> {
  if (redisUrl === null) return new MemoryAttempts();
  const attempts = new RedisAttempts(redisUrl, log);
  await attempts.open();
  return attempts;
}
