import type { Redis } from 'ioredis';
import { type Attempts, attemptKeys, type Guesser, PENALTY } from '../domain/attempts.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { MemoryAttempts } from './memory-attempts.ts';
import { redisClient } from './redis.ts';

/**
 * KEYS: pair, address, name; each a hash of the failures and the last one's time in milliseconds.
 * ARGV: free, free under attack, attack, free of an address, first wait, longest wait.
 */
const WAIT = `
local clock = redis.call('time')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function left(key, free)
  local found = redis.call('hmget', key, 'count', 'at')
  local count = tonumber(found[1] or '0')
  if count < free then return 0 end
  local wait = math.min(tonumber(ARGV[6]), tonumber(ARGV[5]) * 2 ^ math.min(count - free, 30))
  return math.max(0, tonumber(found[2]) + wait - now)
end
local free = tonumber(ARGV[1])
if tonumber(redis.call('hget', KEYS[3], 'count') or '0') >= tonumber(ARGV[3]) then
  free = tonumber(ARGV[2])
end
return math.max(left(KEYS[1], free), left(KEYS[2], tonumber(ARGV[4])))`;

/** KEYS as above; ARGV: milliseconds that they are remembered for. */
const FAILED = `
local clock = redis.call('time')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for i = 1, 3 do
  redis.call('hincrby', KEYS[i], 'count', 1)
  redis.call('hset', KEYS[i], 'at', string.format('%.0f', now))
  redis.call('pexpire', KEYS[i], ARGV[1])
end`;

const LIMITS = [
  PENALTY.free,
  PENALTY.freeUnderAttack,
  PENALTY.attack,
  PENALTY.freeOfAddress,
  PENALTY.firstMs,
  PENALTY.longestMs,
];

/** One hash tag, so that a cluster keeps the three together. */
function keysOf(guesser: Guesser): string[] {
  const { pair, address, name } = attemptKeys(guesser);
  return [`p:${pair}`, `a:${address}`, `n:${name}`].map((key) => `postern:{guess}:${key}`);
}

/** Counted in Redis, for all nodes; what this node sees is also kept here, for when Redis is away. */
export class RedisAttempts implements Attempts {
  readonly #redis: Redis;
  readonly #here = new MemoryAttempts();
  readonly #log: Logger;
  #lost = false;
  #closed = false;

  /** Throws `counters.url`; a Redis that does not answer is told of in the log and tried again. */
  constructor(url: string, log: Logger) {
    this.#log = log;
    this.#redis = redisClient(url, 'postern-attempts');
    this.#redis.on('error', (error: Error) => this.#failed(error));
    this.#redis.on('ready', () => {
      this.#lost = false;
    });
  }

  /** Settles when Redis was reached, or was not for now. */
  async open(): Promise<void> {
    // The failure is an 'error' event too, and the client goes on trying.
    await this.#redis.connect().catch(() => undefined);
  }

  async wait(guesser: Guesser): Promise<number> {
    try {
      const keys = keysOf(guesser);
      return Number(await this.#redis.eval(WAIT, keys.length, ...keys, ...LIMITS));
    } catch (error) {
      this.#failed(error);
      return this.#here.wait(guesser);
    }
  }

  async failed(guesser: Guesser): Promise<void> {
    await this.#here.failed(guesser);
    const keys = keysOf(guesser);
    await this.#tell(this.#redis.eval(FAILED, keys.length, ...keys, PENALTY.memoryMs));
  }

  async succeeded(guesser: Guesser): Promise<void> {
    await this.#here.succeeded(guesser);
    const [pair = ''] = keysOf(guesser);
    await this.#tell(this.#redis.del(pair));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#redis.status === 'ready') await this.#redis.quit().catch(() => undefined);
    this.#redis.disconnect();
  }

  async #tell(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** One line for each time that it goes away. */
  #failed(error: unknown): void {
    if (this.#lost || this.#closed) return;
    this.#lost = true;
    this.#log.warn('redis does not answer; this node counts failed sign-ins alone', {
      reason: reasonOf(error),
    });
  }
}
