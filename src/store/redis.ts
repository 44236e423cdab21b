import { Redis } from 'ioredis';
import { PosternError } from '../domain/errors.ts';

/** Milliseconds. */
const CONNECT_DEADLINE = 5000;
const COMMAND_DEADLINE = 1000;
const LONGEST_BACK_OFF = 10_000;

/**
 * A client that is not connected yet and, once it is, connects again for ever; nothing waits in it while
 * Redis is away. Throws `counters.url`.
 */
export function redisClient(url: string, connectionName: string): Redis {
  if (!/^rediss?:$/.test(URL.parse(url)?.protocol ?? '')) throw new PosternError('counters.url');
  return new Redis(url, {
    lazyConnect: true,
    connectionName,
    connectTimeout: CONNECT_DEADLINE,
    commandTimeout: COMMAND_DEADLINE,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(100 * 2 ** Math.min(times, 10), LONGEST_BACK_OFF),
  });
}

/** Asks a Redis whether it answers. Throws `counters.url`, or what kept it from answering. */
export async function askRedis(url: string): Promise<void> {
  const redis = redisClient(url, 'postern-doctor');
  // Why it does not connect is an event; that it does not, the answer.
  const failures: Error[] = [];
  redis.on('error', (error: Error) => failures.push(error));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw failures[0] ?? error;
  } finally {
    redis.disconnect();
  }
}
