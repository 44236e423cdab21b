import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import {
  type ActiveCounts,
  type CountedSession,
  type Counters,
  type CountStore,
  countedSince,
  type DayCounts,
  dayOf,
} from '../domain/counters.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { counted } from './recount.ts';
import { redisClient } from './redis.ts';
import { BEGIN, COUNT, FILL, FINISH, PREFIX, READ } from './redis-scripts.ts';
import { Rounds } from './rounds.ts';

/** Milliseconds between two tries to rebuild. */
const AGAIN_AFTER = 2000;
/** How long another node may take that rebuilds at the same time, and how often it is looked at. */
const OTHERS_DEADLINE = 10_000;
const OTHERS_LOOK = 100;
/** Where each time another node was at it too. */
const MOST_TRIES = 3;

/** Sessions that one script puts: it holds Redis up for a few milliseconds. */
const AT_ONCE = 250;

const STATE = `${PREFIX}state`;

export interface RedisCountersOptions {
  readonly redisUrl: string;
  readonly truth: CountStore;
  readonly now: () => Date;
  readonly log: Logger;
}

/** Throws `counters.url`; a Redis that does not answer is told of in the log and tried again. */
export async function openRedisCounters(options: RedisCountersOptions): Promise<Counters> {
  const redis = redisClient(options.redisUrl, 'postern');
  const counters = new RedisCounters(redis, options);
  // The failure is an 'error' event too, and the client goes on trying.
  await redis.connect().catch(() => undefined);
  return counters;
}

/**
 * Counted in Redis, for all nodes. What could not be told, and a Redis that was away, was emptied or came back
 * with what it had long ago, makes a rebuild necessary (invariant 8): until it is done nothing is answered here.
 */
class RedisCounters implements Counters {
  readonly source = 'redis';
  readonly #redis: Redis;
  readonly #options: RedisCountersOptions;
  readonly #rebuilds = new Rounds(() => this.#recount());
  /** From the first rebuild on, which waits until the start of this node has mended the database. */
  #begun = false;
  #missed = false;
  /** How often something was missed: a rebuild makes good what was before it alone. */
  #misses = 0;
  #again: NodeJS.Timeout | undefined;
  #lost = false;
  #closed = false;

  constructor(redis: Redis, options: RedisCountersOptions) {
    this.#redis = redis;
    this.#options = options;
    redis.on('error', (error: Error) => this.#failed(error));
    redis.on('close', () => this.#failed(new Error('connection closed')));
    redis.on('ready', () => this.#mend());
  }

  async count(session: CountedSession): Promise<void> {
    try {
      if ((await this.#run(COUNT, argumentsOf(session))) === 0) this.#miss();
    } catch (error) {
      this.#failed(error);
    }
  }

  async active(): Promise<ActiveCounts> {
    return toActive(await this.#read('active'));
  }

  async day(day: string): Promise<DayCounts> {
    if (day < dayOf(countedSince(this.#options.now()))) throw new PosternError('counters.down');
    const found = await this.#read(`day:${day}`);
    const of = (field: string): number => Number(found.get(field) ?? 0);
    return { ...toActive(found), failed: of('failed'), bytesIn: of('in'), bytesOut: of('out') };
  }

  rebuild(): Promise<void> {
    this.#begun = true;
    return this.#rebuilds.ask();
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
    clearTimeout(this.#again);
    if (this.#redis.status === 'ready') await this.#redis.quit().catch(() => undefined);
    this.#redis.disconnect();
    await this.#rebuilds.settled();
  }

  async #recount(): Promise<void> {
    const before = this.#misses;
    try {
      await this.#buildOrWait();
    } catch (error) {
      this.#miss();
      throw new PosternError('counters.down', {}, { cause: error });
    }
    if (this.#misses !== before) return this.#later();
    this.#missed = false;
    if (this.#lost) this.#options.log.info('redis answers again; the counters were rebuilt');
    this.#lost = false;
  }

  /** Where another node began after this one, what that one builds has all that was missed here. */
  async #buildOrWait(): Promise<void> {
    for (let tries = 1; !(await this.#build()); tries++) {
      const until = performance.now() + OTHERS_DEADLINE;
      while (performance.now() < until) {
        if ((await this.#redis.hget(STATE, 'next')) === null) return;
        await delay(OTHERS_LOOK);
      }
      if (tries === MOST_TRIES) throw new Error('others began to rebuild and did not finish');
    }
  }

  /** False when another node began after this one. */
  async #build(): Promise<boolean> {
    const { truth, now } = this.#options;
    const gen = String(await this.#run(BEGIN, []));
    for await (const page of counted(truth, now())) {
      for (let at = 0; at < page.length; at += AT_ONCE) {
        const sessions = page.slice(at, at + AT_ONCE).flatMap(argumentsOf);
        if ((await this.#run(FILL, [gen, ...sessions])) === 0) return false;
      }
    }
    const time = now();
    const days = [dayOf(countedSince(time)), dayOf(time)];
    return (await this.#run(FINISH, [gen, ...days])) === 1;
  }

  async #read(name: string): Promise<ReadonlyMap<string, string>> {
    if (this.#missed) throw new PosternError('counters.down');
    let answer: unknown;
    try {
      answer = await this.#run(READ, [name]);
    } catch (error) {
      this.#failed(error);
      throw new PosternError('counters.down', {}, { cause: error });
    }
    if (Array.isArray(answer)) return pairs(answer);
    this.#miss();
    throw new PosternError('counters.down');
  }

  #run(script: string, args: readonly string[]): Promise<unknown> {
    return this.#redis.eval(script, 1, STATE, ...args);
  }

  #miss(): void {
    this.#missed = true;
    this.#misses += 1;
    this.#later();
  }

  #later(): void {
    if (this.#closed || !this.#begun) return;
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      this.#mend();
    }, AGAIN_AFTER).unref();
  }

  /** Also at each new connection: what Redis has may be older than what it had. */
  #mend(): void {
    if (this.#closed || !this.#begun || this.#redis.status !== 'ready') return;
    this.rebuild().catch((error: unknown) => this.#failed(error));
  }

  /** One line for each time that it goes away. */
  #failed(error: unknown): void {
    if (this.#closed) return;
    this.#miss();
    if (this.#lost) return;
    this.#lost = true;
    this.#options.log.warn('redis does not answer; sessions go on', { reason: reasonOf(error) });
  }
}

function argumentsOf({
  id,
  userId,
  machineId,
  startedAt,
  status,
  bytesIn,
  bytesOut,
}: CountedSession): string[] {
  const numbers = [userId ?? 0, machineId ?? 0].map(String);
  return [String(id), dayOf(startedAt), ...numbers, status, String(bytesIn), String(bytesOut)];
}

function pairs(answer: readonly unknown[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at + 1 < answer.length; at += 2) {
    found.set(String(answer[at]), String(answer[at + 1]));
  }
  return found;
}

function toActive(found: ReadonlyMap<string, string>): ActiveCounts {
  const of = (kind: string): Record<number, number> =>
    Object.fromEntries(
      [...found]
        .filter(([field]) => field.startsWith(`${kind}:`))
        .map(([field, count]) => [Number(field.slice(kind.length + 1)), Number(count)]),
    );
  const [byUser, byMachine] = [of('u'), of('m')];
  const sessions = Number(found.get('sessions') ?? 0);
  return { sessions, users: Object.keys(byUser).length, byUser, byMachine };
}
