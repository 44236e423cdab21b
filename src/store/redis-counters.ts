import { Redis } from 'ioredis';
import type { ActiveCounts, CountedSession, Counters } from '../domain/counters.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { ACTIVE, ENDED, REBUILD, RESYNC, STARTED } from './redis-scripts.ts';

/** Milliseconds. */
const CONNECT_DEADLINE = 5000;
const COMMAND_DEADLINE = 1000;
const LONGEST_BACK_OFF = 10_000;
/** How often Redis is told again what runs here: it may have been emptied without a word. */
const RESYNC_PERIOD = 60_000;

/** One hash tag, so that a cluster keeps the three together. */
const KEYS = ['sessions', 'users', 'machines'].map((name) => `postern:{live}:${name}`);

/** Throws `counters.url`; a Redis that does not answer is told of in the log and tried again. */
export async function openRedisCounters(options: {
  readonly redisUrl: string;
  readonly node: string;
  readonly log: Logger;
}): Promise<Counters> {
  const url = URL.parse(options.redisUrl);
  if (!url || !/^rediss?:$/.test(url.protocol)) throw new PosternError('counters.url');
  const redis = new Redis(options.redisUrl, {
    lazyConnect: true,
    connectionName: 'postern',
    connectTimeout: CONNECT_DEADLINE,
    commandTimeout: COMMAND_DEADLINE,
    // What cannot be said now is not kept: resync says it all, once.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(100 * 2 ** Math.min(times, 10), LONGEST_BACK_OFF),
  });
  const counters = new RedisCounters(redis, options.node, options.log);
  // The failure is an 'error' event too, and the client goes on trying.
  await redis.connect().catch(() => undefined);
  return counters;
}

/**
 * Counted in Redis, for all nodes. What runs on this node is also kept here, so that a Redis that
 * was away or lost everything is told again (invariant 8).
 */
class RedisCounters implements Counters {
  readonly #redis: Redis;
  readonly #node: string;
  readonly #log: Logger;
  /** Sessions of this node: as many as run. */
  readonly #mine = new Map<number, CountedSession>();
  readonly #timer: NodeJS.Timeout;
  #lost = false;
  #closed = false;

  constructor(redis: Redis, node: string, log: Logger) {
    this.#redis = redis;
    this.#node = node;
    this.#log = log;
    redis.on('error', (error: Error) => this.#failed(error));
    redis.on('close', () => this.#failed(new Error('connection closed')));
    redis.on('ready', () => this.#resync());
    this.#timer = setInterval(() => this.#resync(), RESYNC_PERIOD);
    this.#timer.unref();
  }

  async started(session: CountedSession): Promise<void> {
    if (session.node === this.#node) this.#mine.set(session.sessionId, session);
    await this.#tell(STARTED, entryOf(session));
  }

  async ended(sessionId: number): Promise<void> {
    this.#mine.delete(sessionId);
    await this.#tell(ENDED, [String(sessionId)]);
  }

  async active(): Promise<ActiveCounts> {
    let answer: unknown;
    try {
      answer = await this.#redis.eval(ACTIVE, KEYS.length, ...KEYS);
    } catch (error) {
      this.#failed(error);
      throw new PosternError('counters.down', {}, { cause: error });
    }
    return toCounts(answer);
  }

  async rebuild(live: readonly CountedSession[]): Promise<void> {
    this.#mine.clear();
    for (const session of live) {
      if (session.node === this.#node) this.#mine.set(session.sessionId, session);
    }
    await this.#tell(REBUILD, live.flatMap(entryOf));
  }

  async healthy(): Promise<boolean> {
    try {
      return (await this.#redis.ping()) === 'PONG';
    } catch {
      // Told of by the 'error' event.
      return false;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    if (this.#redis.status === 'ready') await this.#redis.quit().catch(() => undefined);
    this.#redis.disconnect();
  }

  #resync(): void {
    if (this.#redis.status !== 'ready') return;
    const entries = [...this.#mine.values()].flatMap(entryOf);
    this.#redis.eval(RESYNC, KEYS.length, ...KEYS, this.#node, ...entries).then(
      () => this.#answers(),
      (error: unknown) => this.#failed(error),
    );
  }

  /** Never rejects: what is lost is in the next resync. */
  async #tell(script: string, args: readonly string[]): Promise<void> {
    try {
      await this.#redis.eval(script, KEYS.length, ...KEYS, ...args);
    } catch (error) {
      this.#failed(error);
    }
  }

  #answers(): void {
    if (this.#lost) this.#log.info('redis answers again');
    this.#lost = false;
  }

  /** One line for each time that it goes away. */
  #failed(error: unknown): void {
    if (this.#lost || this.#closed) return;
    this.#lost = true;
    this.#log.warn('redis does not answer; sessions go on', { reason: reasonOf(error) });
  }
}

function entryOf({ sessionId, userId, machineId, node }: CountedSession): string[] {
  return [String(sessionId), `${userId}:${machineId}:${node}`];
}

function toCounts(answer: unknown): ActiveCounts {
  const [sessions, users, machines]: unknown[] = Array.isArray(answer) ? answer : [];
  const pairs: unknown[] = Array.isArray(machines) ? machines : [];
  const byMachine: Record<number, number> = {};
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    byMachine[Number(pairs[i])] = Number(pairs[i + 1]);
  }
  return { sessions: Number(sessions), users: Number(users), byMachine };
}
