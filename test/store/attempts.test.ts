import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { type Attempts, networkOf, PENALTY, penaltyMs } from '../../src/domain/attempts.ts';
import { GuessLimit } from '../../src/domain/guess-limit.ts';
import { openAttempts } from '../../src/store/attempts.ts';
import { MemoryAttempts } from '../../src/store/memory-attempts.ts';
import { environment } from '../support/environment.ts';
import { needs } from '../support/requirements.ts';
import { silent } from './options.ts';

const who = (name: string, address = '192.0.2.1') => ({ name, address });

async function times(count: number, act: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; n < count; n++) await act(n);
}

function contract(open: () => Promise<Attempts>): void {
  let attempts: Attempts;
  beforeEach(async () => {
    attempts = await open();
  });
  afterEach(async () => {
    await attempts.close();
  });

  test('five failures cost a second, each one more the double', async () => {
    await times(PENALTY.free - 1, () => attempts.failed(who('ada')));
    expect(await attempts.wait(who('ada'))).toBe(0);
    await attempts.failed(who('ada'));
    expect(await attempts.wait(who('ada'))).toBeGreaterThan(500);
    expect(await attempts.wait(who('ada'))).toBeLessThanOrEqual(1000);
    await times(3, () => attempts.failed(who('ada')));
    expect(await attempts.wait(who('ada'))).toBeGreaterThan(7000);
    await times(30, () => attempts.failed(who('ada')));
    expect(await attempts.wait(who('ada'))).toBeGreaterThan(899_000);
    expect(await attempts.wait(who('ada'))).toBeLessThanOrEqual(900_000);
  });

  test('nobody is locked out from another address, nor another user from the same one', async () => {
    await times(20, () => attempts.failed(who('ada')));
    expect(await attempts.wait(who('ada', '192.0.2.2'))).toBe(0);
    expect(await attempts.wait(who('bob'))).toBe(0);
  });

  test('a success forgets the failures of this name from this address', async () => {
    await times(10, () => attempts.failed(who('ada')));
    await times(10, () => attempts.failed(who('bob')));
    await attempts.succeeded(who('ada'));
    expect(await attempts.wait(who('ada'))).toBe(0);
    expect(await attempts.wait(who('bob'))).toBeGreaterThan(0);
  });

  test('many names from one address: the address waits, whoever it says it is', async () => {
    await times(PENALTY.freeOfAddress, (n) => attempts.failed(who(`user${n}`)));
    expect(await attempts.wait(who('ada'))).toBeGreaterThan(0);
    await attempts.succeeded(who('user1'));
    expect(await attempts.wait(who('ada'))).toBeGreaterThan(0);
    expect(await attempts.wait(who('user1', '192.0.2.2'))).toBe(0);
  });

  test('one name from many addresses: each has one try, and a new one has it too', async () => {
    await times(PENALTY.attack, (n) => attempts.failed(who('ada', `198.51.100.${n}`)));
    expect(await attempts.wait(who('ada', '198.51.100.7'))).toBeGreaterThan(0);
    expect(await attempts.wait(who('ada', '203.0.113.9'))).toBe(0);
    expect(await attempts.wait(who('bob', '198.51.100.7'))).toBe(0);
  });

  test('an IPv6 subscriber is one address', async () => {
    await times(5, (n) => attempts.failed(who('ada', `2001:db8:1:2::${n}`)));
    expect(await attempts.wait(who('ada', '2001:db8:1:2:ffff::1'))).toBeGreaterThan(0);
    expect(await attempts.wait(who('ada', '2001:db8:1:3::1'))).toBe(0);
  });
}

describe('in this process', () => contract(() => Promise.resolve(new MemoryAttempts())));

const given = environment.has('POSTERN_TEST_REDIS_URL') ? { describe } : needs('redis-server');
given.describe('on Redis', () => {
  // A database of its own: files run side by side.
  const redisUrl = `${inject('redisUrl')}/14`;
  const open = (): Promise<Attempts> => openAttempts({ redisUrl, log: silent });
  let redis: Redis;
  beforeEach(async () => {
    redis = new Redis(redisUrl);
    await redis.flushdb();
  });
  afterEach(async () => {
    await redis.quit();
  });
  contract(open);

  test('two nodes count together', async () => {
    const [one, other] = [await open(), await open()];
    await Promise.all(
      Array.from({ length: 6 }, (_, n) => (n % 2 === 0 ? one : other).failed(who('ada'))),
    );
    expect(await one.wait(who('ada'))).toBeGreaterThan(1000);
    expect(await other.wait(who('ada'))).toBeGreaterThan(1000);
    await Promise.all([one.close(), other.close()]);
  });
});

test('with Redis away the node goes by what it saw, and is never open', async () => {
  const attempts = await openAttempts({ redisUrl: 'redis://127.0.0.1:1', log: silent });
  await times(6, () => attempts.failed(who('ada')));
  expect(await attempts.wait(who('ada'))).toBeGreaterThan(0);
  expect(await attempts.wait(who('bob'))).toBe(0);
  await attempts.close();
});

test('an address for Redis that is none is refused', async () => {
  const wrong = openAttempts({ redisUrl: 'http://x', log: silent });
  await expect(wrong).rejects.toMatchObject({ code: 'counters.url' });
});

test('after an hour without a failure all is forgotten, and not before the longest wait', async () => {
  let now = 0;
  const attempts = new MemoryAttempts(() => now);
  await times(40, () => attempts.failed(who('ada')));
  now += PENALTY.longestMs - 1;
  expect(await attempts.wait(who('ada'))).toBe(1);
  now += PENALTY.memoryMs;
  await times(4, () => attempts.failed(who('ada')));
  expect(await attempts.wait(who('ada'))).toBe(0);
});

test('the wait grows without overflowing', () => {
  expect([4, 5, 6, 10, 1e9].map((count) => penaltyMs(count, 5))).toEqual([
    0, 1000, 2000, 32_000, 900_000,
  ]);
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:DB8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['2001:0db8:0001:0002:3:4:5:6', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
])('%s is of %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('attempts that come at once are made one after the other, so none gets around the wait', async () => {
  const limit = new GuessLimit(new MemoryAttempts());
  let checked = 0;
  const guesses = Array.from({ length: 50 }, () =>
    limit.attempt(who('ada'), () => {
      checked += 1;
      return Promise.resolve(null);
    }),
  );
  const outcomes = (await Promise.all(guesses)).map(({ outcome }) => outcome);
  expect(checked).toBe(PENALTY.free);
  expect(outcomes.filter((outcome) => outcome === 'refused').length).toBe(45);
  const other = await limit.attempt(who('bob'), () => Promise.resolve('found'));
  expect(other).toEqual({ outcome: 'right', found: 'found' });
});

test('a check that fails is no attempt, and does not hold up the next', async () => {
  const limit = new GuessLimit(new MemoryAttempts());
  const broken = limit.attempt(who('ada'), () => Promise.reject(new Error('away')));
  const next = limit.attempt(who('ada'), () => Promise.resolve(1));
  await expect(broken).rejects.toThrow('away');
  expect(await next).toEqual({ outcome: 'right', found: 1 });
});
