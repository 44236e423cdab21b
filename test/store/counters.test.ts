import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { CountedSession, Counters } from '../../src/domain/counters.ts';
import { openCounters } from '../../src/store/counters.ts';
import { environment } from '../support/environment.ts';
import { eventually } from '../support/eventually.ts';
import { needs, the } from '../support/requirements.ts';
import { silent } from './options.ts';

const counted = (sessionId: number, change: Partial<CountedSession> = {}): CountedSession => ({
  sessionId,
  userId: 1,
  machineId: 10,
  node: 'node-a',
  ...change,
});

const NOTHING = { sessions: 0, users: 0, byMachine: {} };

function contract(open: (node: string) => Promise<Counters>): void {
  let counters: Counters;
  beforeEach(async () => {
    counters = await open('node-a');
  });
  afterEach(async () => {
    await counters.close();
  });

  test('counts sessions, users and machines', async () => {
    expect(await counters.active()).toEqual(NOTHING);
    await counters.started(counted(1));
    await counters.started(counted(2, { machineId: 11 }));
    await counters.started(counted(3, { userId: 2, machineId: 11 }));
    expect(await counters.active()).toEqual({ sessions: 3, users: 2, byMachine: { 10: 1, 11: 2 } });
    await counters.ended(3);
    expect(await counters.active()).toEqual({ sessions: 2, users: 1, byMachine: { 10: 1, 11: 1 } });
    await counters.ended(1);
    await counters.ended(2);
    expect(await counters.active()).toEqual(NOTHING);
  });

  test('a session started or ended twice counts once', async () => {
    await counters.started(counted(1));
    await counters.started(counted(1));
    expect(await counters.active()).toMatchObject({ sessions: 1, byMachine: { 10: 1 } });
    await counters.ended(1);
    await counters.ended(1);
    await counters.ended(2);
    expect(await counters.active()).toEqual(NOTHING);
  });

  test('many at once are all counted', async () => {
    const all = Array.from({ length: 300 }, (_, i) =>
      counted(i + 1, { userId: i % 7, machineId: i % 3 }),
    );
    await Promise.all(all.map((one) => counters.started(one)));
    expect(await counters.active()).toEqual({
      sessions: 300,
      users: 7,
      byMachine: { 0: 100, 1: 100, 2: 100 },
    });
    await Promise.all(all.map((one) => counters.ended(one.sessionId)));
    expect(await counters.active()).toEqual(NOTHING);
  });

  test('a rebuild replaces whatever was counted', async () => {
    await counters.started(counted(1));
    await counters.rebuild([counted(7), counted(8, { userId: 5, node: 'a:b' })]);
    expect(await counters.active()).toEqual({ sessions: 2, users: 2, byMachine: { 10: 2 } });
    await counters.ended(1);
    await counters.ended(8);
    expect(await counters.active()).toEqual({ sessions: 1, users: 1, byMachine: { 10: 1 } });
    await counters.rebuild([]);
    expect(await counters.active()).toEqual(NOTHING);
  });

  test('says that it is well', async () => {
    expect(await counters.healthy()).toBe(true);
  });
}

describe('counters in this process', () => {
  contract((node) => openCounters({ redisUrl: null, node, log: silent }));
});

const given = environment.has('POSTERN_TEST_REDIS_URL') ? { describe } : needs('redis-server');

given.describe('counters in Redis', () => {
  const redisUrl = `${inject('redisUrl')}/15`;
  const open = (node: string): Promise<Counters> => openCounters({ redisUrl, node, log: silent });
  let redis: Redis;
  beforeEach(async () => {
    redis = new Redis(redisUrl);
    await redis.flushdb();
  });
  afterEach(async () => {
    await redis.quit();
  });

  // Apart: two counters of one name would take each other's sessions for left-overs.
  describe('as everywhere', () => contract(open));

  test('nodes count together, under one prefix', async () => {
    const [a, b] = [await open('node-a'), await open('node-b')];
    await a.started(counted(1));
    await b.started(counted(2, { node: 'node-b', userId: 2 }));
    expect(await a.active()).toEqual({ sessions: 2, users: 2, byMachine: { 10: 2 } });
    expect(await b.active()).toEqual(await a.active());
    for (const key of await redis.keys('*')) expect(key).toMatch(/^postern:/);
    await a.close();
    await b.close();
  });

  test('a node that comes back takes what it left, and nothing of others', async () => {
    const [a, b] = [await open('node-a'), await open('node-b')];
    await a.started(counted(1));
    await b.started(counted(2, { node: 'node-b' }));
    await a.close();
    const again = await open('node-a');
    await eventually('the old session to be gone', async () => (await b.active()).sessions === 1);
    await again.close();
    await b.close();
  });

  test('a connection that breaks is made again, and what was missed is told', async () => {
    const counters = await open('node-a');
    await counters.started(counted(1));
    await redis.flushdb();
    await redis.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
    await eventually('the session to be counted again', async () => {
      return (await counters.active()).sessions === 1;
    });
    await counters.close();
  });
});

describe('a Redis that is not there', () => {
  test('stops nothing: sessions go on, and the counters say that they cannot be read', async () => {
    const warnings: string[] = [];
    const log = { ...silent, warn: (message: string) => warnings.push(message) };
    const redisUrl = `redis://:secretpassword@127.0.0.1:${await freePort()}`;
    const counters = await openCounters({ redisUrl, node: 'node-a', log });
    await counters.started(counted(1));
    await counters.ended(1);
    await counters.rebuild([counted(2)]);
    await expect(counters.active()).rejects.toMatchObject({ code: 'counters.down' });
    expect(await counters.healthy()).toBe(false);
    await counters.close();
    expect(warnings).toHaveLength(1);
  });

  test('a server that accepts and never answers does not hold a session up for long', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const redisUrl = `redis://127.0.0.1:${port}`;
    const begun = performance.now();
    const counters = await openCounters({ redisUrl, node: 'node-a', log: silent });
    await counters.started(counted(1));
    await expect(counters.active()).rejects.toMatchObject({ code: 'counters.down' });
    await counters.close();
    expect(performance.now() - begun).toBeLessThan(8000);
    server.close();
  });

  test.each(['nonsense', 'http://127.0.0.1', ''])(
    'an address such as %j is refused',
    async (url) => {
      const opening = openCounters({ redisUrl: url, node: 'node-a', log: silent });
      await expect(opening).rejects.toMatchObject({
        code: 'counters.url',
        message: expect.stringContaining('REDIS_URL'),
      });
    },
  );
});

needs('redis-server').describe('a Redis that comes later', () => {
  test('is told of what runs', async () => {
    const port = await freePort();
    const redisUrl = `redis://127.0.0.1:${port}`;
    const counters = await openCounters({ redisUrl, node: 'node-a', log: silent });
    await counters.started(counted(1));
    await counters.started(counted(2, { machineId: 11 }));
    await counters.ended(2);
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
    const server = spawn(the('redis-server'), args, { stdio: 'ignore' });
    try {
      const active = await eventually('counters to answer', async () => {
        const counts = await counters.active();
        return counts.sessions === 1 && counts;
      });
      expect(active).toEqual({ sessions: 1, users: 1, byMachine: { 10: 1 } });
      expect(await counters.healthy()).toBe(true);
    } finally {
      await counters.close();
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
