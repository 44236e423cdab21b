import type { Attempts } from '../domain/attempts.ts';
import { PosternError } from '../domain/errors.ts';
import type { CounterOptions } from './counters.ts';
import { MemoryAttempts } from './memory-attempts.ts';
import { RedisAttempts } from './redis-attempts.ts';

/** The counters of failed sign-ins. Throws `counters.url` alone. */
export async function openAttempts(options: Omit<CounterOptions, 'node'>): Promise<Attempts> {
  const { redisUrl, log } = options;
  if (redisUrl === null) return new MemoryAttempts();
  const url = URL.parse(redisUrl);
  if (!url || !/^rediss?:$/.test(url.protocol)) throw new PosternError('counters.url');
  const attempts = new RedisAttempts(redisUrl, log);
  await attempts.open();
  return attempts;
}
