import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { CountedSession, Counters } from '../../src/domain/counters.ts';
import { openCounters } from '../../src/store/counters.ts';
import { environment } from '../support/environment.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { ended, live, settings, truthOf } from './counted.ts';

const [TODAY, YESTERDAY, BEFORE] = ['2026-03-02', '2026-03-01', '2026-02-28'];
const NOTHING = { sessions: 0, users: 0, byUser: {}, byMachine: {} };
const NO_BYTES = { failed: 0, bytesIn: 0, bytesOut: 0 };

type Open = (rows: CountedSession[], read?: () => void) => Promise<Counters>;

function contract(open: Open): void {
  let rows: CountedSession[] = [];
  let counters: Counters;
  beforeEach(async () => {
    rows = [];
    counters = await open(rows);
    await counters.rebuild();
  });
  afterEach(async () => {
    await counters.close();
  });

  test('count what lives by user and machine, and what the day has seen', async () => {
    expect(await counters.active()).toEqual(NOTHING);
    expect(await counters.day(TODAY)).toEqual({ ...NOTHING, ...NO_BYTES });
    await counters.count(live(1));
    await counters.count(live(2, { machineId: 11 }));
    await counters.count(live(3, { userId: 2, machineId: 11 }));
    const three = {
      ...{ sessions: 3, users: 2 },
      ...{ byUser: { 1: 2, 2: 1 }, byMachine: { 10: 1, 11: 2 } },
    };
    expect(await counters.active()).toEqual(three);
    await counters.count(ended(3, { userId: 2, machineId: 11, status: 'failed' }));
    expect(await counters.active()).toEqual({
      ...{ sessions: 2, users: 1 },
      ...{ byUser: { 1: 2 }, byMachine: { 10: 1, 11: 1 } },
    });
    await counters.count(ended(1));
    await counters.count(ended(2, { machineId: 11 }));
    expect(await counters.active()).toEqual(NOTHING);
    const day = { ...three, failed: 1, bytesIn: 30, bytesOut: 300 };
    expect(await counters.day(TODAY)).toEqual(day);
    expect(await counters.day(YESTERDAY)).toEqual({ ...NOTHING, ...NO_BYTES });
  });

  test('a row that comes twice, late or out of order counts once', async () => {
    for (const status of ['pending', 'active', 'pending'] as const) {
      await counters.count(live(1, { status }));
    }
    expect(await counters.active()).toMatchObject({ sessions: 1, byMachine: { 10: 1 } });
    await counters.count(ended(1));
    await counters.count(ended(1));
    await counters.count(live(1));
    expect(await counters.active()).toEqual(NOTHING);
    // Its beginning was never told.
    await counters.count(ended(2));
    await counters.count(live(2));
    expect(await counters.active()).toEqual(NOTHING);
    expect(await counters.day(TODAY)).toMatchObject({ sessions: 2, bytesIn: 20, users: 1 });
  });

  test('many at once are all counted', async () => {
    const all = Array.from({ length: 300 }, (_, i) =>
      live(i + 1, { userId: (i % 7) + 1, machineId: (i % 3) + 1 }),
    );
    await Promise.all(all.map((one) => counters.count(one)));
    expect(await counters.active()).toMatchObject({
      ...{ sessions: 300, users: 7, byMachine: { 1: 100, 2: 100, 3: 100 } },
    });
    await Promise.all(all.map((one) => counters.count({ ...one, status: 'failed' })));
    expect(await counters.active()).toEqual(NOTHING);
    expect(await counters.day(TODAY)).toMatchObject({ sessions: 300, users: 7, failed: 300 });
  });

  test('a session counts on the day of its beginning, and lives for as long as it does', async () => {
    const old = { startedAt: new Date('2026-01-01T00:00:00Z') };
    const yesterday = { startedAt: new Date(`${YESTERDAY}T23:59:59.999Z`) };
    rows.push(live(1, old), live(2, yesterday));
    await counters.rebuild();
    expect(await counters.active()).toMatchObject({ sessions: 2 });
    expect(await counters.day(YESTERDAY)).toMatchObject({ sessions: 1, bytesIn: 0 });
    await counters.count(ended(1, old));
    await counters.count(ended(2, yesterday));
    expect(await counters.active()).toEqual(NOTHING);
    expect(await counters.day(YESTERDAY)).toMatchObject({ sessions: 1, bytesIn: 10 });
    expect(await counters.day(TODAY)).toMatchObject({ sessions: 0, bytesIn: 0 });
    await expect(counters.day(BEFORE)).rejects.toMatchObject({ code: 'counters.down' });
  });

  test('a rebuild replaces whatever was counted', async () => {
    await counters.count(live(1));
    rows.push(live(7), live(8, { userId: null, machineId: null }), ended(9));
    await counters.rebuild();
    expect(await counters.active()).toEqual({
      ...{ sessions: 2, users: 2, byUser: { 0: 1, 1: 1 }, byMachine: { 0: 1, 10: 1 } },
    });
    expect(await counters.day(TODAY)).toMatchObject({ sessions: 3, bytesOut: 100 });
    rows.splice(0);
    await Promise.all([counters.rebuild(), counters.rebuild()]);
    expect(await counters.active()).toEqual(NOTHING);
  });

  test('what happens while they are rebuilt is not lost, and what is read late does not undo it', async () => {
    rows.push(...Array.from({ length: 5000 }, (_, i) => live(i + 1)));
    const rebuilding = counters.rebuild();
    // Already read, or not; told of before, between or after.
    await Promise.all(rows.slice(0, 100).map(({ id }) => counters.count(ended(id))));
    await counters.count(live(6000));
    await rebuilding;
    expect(await counters.active()).toMatchObject({ sessions: 4901, byMachine: { 10: 4901 } });
    expect(await counters.day(TODAY)).toMatchObject({ sessions: 5001, bytesIn: 1000 });
  });

  test('who asks while they are rebuilt gets what has changed since', async () => {
    rows.push(live(1), live(2));
    let second: Promise<void> | null = null;
    const own = await open(rows, () => {
      if (second !== null) return;
      // The page that was read has it as it was.
      rows[0] = live(1, { userId: null });
      second = own.rebuild();
    });
    await own.rebuild();
    await second;
    expect(await own.active()).toMatchObject({ sessions: 2, byUser: { 0: 1, 1: 1 } });
    await own.close();
  });

  test('what was of one who was removed is nobody’s ever after, whichever row comes last', async () => {
    const nobody = { userId: null, machineId: null };
    const was = { sessions: 1, users: 1, byUser: { 0: 1 }, byMachine: { 0: 1 } };
    await counters.count(live(1));
    await counters.count(live(1, nobody));
    expect(await counters.active()).toEqual(was);
    await counters.count(live(1));
    await counters.count(ended(1));
    expect(await counters.active()).toEqual(NOTHING);
    expect(await counters.day(TODAY)).toMatchObject({ ...was, bytesIn: 10 });
    await counters.count(ended(2, { machineId: null }));
    await counters.count(ended(2, { userId: null }));
    await counters.count(ended(2));
    const two = { sessions: 2, users: 1, byUser: { 0: 2 }, byMachine: { 0: 2 }, bytesIn: 20 };
    expect(await counters.day(TODAY)).toMatchObject(two);
  });

  test('say that they are well', async () => {
    expect(await counters.healthy()).toBe(true);
  });
}

describe('counters in this process', () => {
  contract((rows, read) =>
    openCounters({ ...settings, redisUrl: null, truth: truthOf(rows, read) }),
  );
});

const given = environment.has('POSTERN_TEST_REDIS_URL') ? { describe } : needs('redis-server');

given.describe('counters in Redis', () => {
  const redisUrl = `${inject('redisUrl')}/15`;
  const open: Open = (rows, read) =>
    openCounters({ ...settings, redisUrl, truth: truthOf(rows, read) });
  let redis: Redis;
  beforeEach(async () => {
    redis = new Redis(redisUrl);
    await redis.flushdb();
  });
  afterEach(async () => {
    await redis.quit();
  });

  describe('as everywhere', () => contract(open));

  test('nodes count together, under one prefix, and rebuild at once', async () => {
    const rows = [live(1), live(2, { userId: 2 })];
    const [a, b] = [await open(rows), await open(rows)];
    await Promise.all([a.rebuild(), b.rebuild(), a.rebuild(), b.rebuild()]);
    expect(await a.active()).toMatchObject({ sessions: 2, users: 2, byMachine: { 10: 2 } });
    await a.count(live(3));
    await b.count(ended(2, { userId: 2 }));
    expect(await b.active()).toMatchObject({ sessions: 2, users: 1 });
    expect(await a.active()).toEqual(await b.active());
    for (const key of await redis.keys('*')) expect(key).toMatch(/^postern:\{count\}:/);
    await a.close();
    await b.close();
  });

  test('leave nothing behind: a rebuild that was cut short, and days, go by themselves', async () => {
    const rows = [live(1), ended(2)];
    const counters = await open(rows);
    await counters.rebuild();
    await counters.rebuild();
    // As of a node that died while it rebuilt.
    await redis.hset('postern:{count}:state', 'next', 99);
    await counters.count(live(3));
    expect(await counters.active()).toMatchObject({ sessions: 2 });
    const lasting: string[] = [];
    for (const key of await redis.keys('*')) if ((await redis.ttl(key)) < 0) lasting.push(key);
    const kept = ['state', '2:active', '2:live'].map((name) => `postern:{count}:${name}`);
    expect(lasting.toSorted()).toEqual(kept.toSorted());
    await counters.close();
  });

  test.each([
    ['emptied', (db: Redis) => db.flushdb()],
    ['cut off', (db: Redis) => db.call('client', 'kill', 'type', 'normal', 'skipme', 'yes')],
    [
      'emptied and cut off',
      async (db: Redis) => {
        await db.flushdb();
        await db.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
      },
    ],
  ])('one that was %s does not answer until it is rebuilt', async (_, disturb) => {
    const rows = [live(1)];
    const counters = await open(rows);
    await counters.rebuild();
    await disturb(redis);
    rows.push(live(2));
    const active = await eventually('the counters to answer', async () => {
      const counts = await counters.active().catch(() => null);
      // Before the loss is noticed they may answer as before.
      return counts?.sessions === 2 && counts;
    });
    expect(active).toMatchObject({ sessions: 2, byMachine: { 10: 2 } });
    await counters.close();
  });
});
