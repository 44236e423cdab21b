import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { dayOf } from '../../src/domain/counters.ts';
import type { Machine } from '../../src/domain/machine.ts';
import type { User } from '../../src/domain/user.ts';
import { openCounters } from '../../src/store/counters.ts';
import { silent } from '../store/options.ts';
import { eventually } from '../support/eventually.ts';
import { needs, the } from '../support/requirements.ts';
import {
  addMachine,
  addSession,
  addUser,
  anotherApi,
  call,
  openStage,
  type Stage,
  tokenFor,
} from './stage.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A Redis that keeps nothing on the disk. */
function redisOn(port: number) {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
  const child: ChildProcess = spawn(the('redis-server'), args, { stdio: 'ignore' });
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/** As the control plane does it; one of them ends. */
async function twoSessions(stage: Stage, user: User, machine: Machine): Promise<void> {
  const { store, counters } = stage;
  const [one, other] = [
    await addSession(stage, user, machine),
    await addSession(stage, user, machine),
  ];
  await Promise.all([counters.count(one), counters.count(other)]);
  await store.sessions.end(other.id, {
    ...{ endedAt: new Date(), reason: 'client_closed', bytesIn: 3, bytesOut: 4 },
  });
  await counters.count((await store.sessions.get(other.id)) ?? other);
}

needs('redis-server').describe('a Redis that is killed and comes back empty', () => {
  test('holds no session and no answer up; figures come from the database, then from it again', async () => {
    const port = await freePort();
    const opened = await openStage();
    const counters = await openCounters({
      ...{ redisUrl: `redis://127.0.0.1:${port}`, truth: opened.store.counts },
      ...{ shared: false, log: silent },
    });
    try {
      const stage = { ...anotherApi(opened, { counters }), counters };
      const token = await tokenFor(stage, null, ['admin']);
      const user = await addUser(stage, 'ada');
      const machine = await addMachine(stage, 'web1');
      const told = async (path: string) => (await call(stage, 'GET', path, { token })).body.data;
      /** Both families of figures say where they are from, and the same as the database. */
      const agree = async (source: string) => {
        const { sessions } = await stage.store.counts.active();
        const said = await eventually(`figures from the ${source}`, async () => {
          const [counted, stats] = [await told('/v1/counters'), await told('/v1/sessions/stats')];
          return counted.source === source && stats.source === source ? [counted, stats] : null;
        });
        expect(said).toMatchObject([{ active: { sessions } }, { active_sessions: sessions }]);
      };
      {
        await using _ = redisOn(port);
        await counters.rebuild().catch(() => undefined);
        await agree('counters');
        await twoSessions(stage, user, machine);
        await agree('counters');
      }
      await twoSessions(stage, user, machine);
      await agree('database');
      expect((await call(stage, 'GET', '/v1/sessions', { token })).status).toBe(200);
      await using _ = redisOn(port);
      await agree('counters');
      const day = dayOf(new Date());
      const { counts } = stage.store;
      const counted = await eventually('counters to answer', () =>
        Promise.all([counters.active(), counters.day(day)]).catch(() => null),
      );
      expect(counted).toEqual([await counts.active(), await counts.day(day)]);
      expect(counted).toMatchObject([{ sessions: 2 }, {}]);
    } finally {
      await counters.close();
      await opened.close();
    }
  });
});
