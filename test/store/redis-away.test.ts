import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { openCounters } from '../../src/store/counters.ts';
import { eventually } from '../support/eventually.ts';
import { needs, the } from '../support/requirements.ts';
import { ended, live, settings, truthOf } from './counted.ts';
import { silent } from './options.ts';

describe('a Redis that is not there', () => {
  test('stops nothing: sessions go on, and the counters say that they cannot be read', async () => {
    const warnings: string[] = [];
    const log = { ...silent, warn: (message: string) => warnings.push(message) };
    const redisUrl = `redis://:secretpassword@127.0.0.1:${await freePort()}`;
    const counters = await openCounters({ ...settings, redisUrl, truth: truthOf([]), log });
    await counters.count(live(1));
    await counters.count(ended(1));
    await expect(counters.rebuild()).rejects.toMatchObject({ code: 'counters.down' });
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
    const counters = await openCounters({ ...settings, redisUrl, truth: truthOf([]) });
    await counters.count(live(1));
    await expect(counters.active()).rejects.toMatchObject({ code: 'counters.down' });
    await counters.close();
    expect(performance.now() - begun).toBeLessThan(8000);
    server.close();
  });

  test.each(['nonsense', 'http://127.0.0.1', ''])(
    'an address such as %j is refused',
    async (url) => {
      const opening = openCounters({ ...settings, redisUrl: url, truth: truthOf([]) });
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
    const rows = [live(1), live(2, { machineId: 11 })];
    const counters = await openCounters({ ...settings, redisUrl, truth: truthOf(rows) });
    await expect(counters.rebuild()).rejects.toMatchObject({ code: 'counters.down' });
    rows[1] = ended(2, { machineId: 11 });
    await counters.count(rows[1]);
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
    const server = spawn(the('redis-server'), args, { stdio: 'ignore' });
    try {
      const active = await eventually('counters to answer', async () => {
        return await counters.active().catch(() => null);
      });
      expect(active).toEqual({ sessions: 1, users: 1, byUser: { 1: 1 }, byMachine: { 10: 1 } });
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
