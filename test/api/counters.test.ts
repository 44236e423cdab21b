import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dayOf } from '../../src/domain/counters.ts';
import * as example from '../store/examples.ts';
import { type History, openHistory } from './history.ts';
import { addUser, anotherApi, call, tokenFor } from './stage.ts';

let history: History;

beforeAll(async () => {
  history = await openHistory();
});
afterAll(() => history.stage.close());

const ALL = { user_id: expect.stringMatching(/^usr_\d+$/), sessions: 1 };

describe('the counters', () => {
  test('tell what lives and what went on today, the same as the database does', async () => {
    const { stage, admin, ada, web1, live, ended } = history;
    const counted = await call(stage, 'GET', '/v1/counters', { token: admin });
    const on = [{ machine_id: `mch_${web1.id}`, sessions: 1 }];
    expect(counted.body.data).toMatchObject({
      source: 'counters',
      active: { sessions: 1, users: 1, by_user: [{ ...ALL, user_id: `usr_${ada.id}` }] },
    });
    expect(counted.body.data.active.by_machine).toEqual(on);
    // Begun some minutes ago, so that all of it, some or nothing was before midnight.
    const today = [live, ended].filter(
      ({ startedAt }) => startedAt.toISOString().slice(0, 10) === counted.body.data.today.day,
    );
    expect(counted.body.data.today.sessions).toBe(today.length);
    expect(counted.body.data.today.bytes_out).toBe(today.includes(ended) ? 20 : 0);
    const away = () => Promise.reject(new Error('redis is gone'));
    const counters = Object.assign(Object.create(stage.counters), { active: away, day: away });
    const without = anotherApi(stage, { counters });
    const asked = await call(without, 'GET', '/v1/counters', { token: admin });
    expect(asked.body.data).toEqual({ ...counted.body.data, source: 'database' });
  });

  test('tell who does not see everything of themselves alone', async () => {
    const { stage } = history;
    const vera = await addUser(stage, `vera${Date.now()}`, 'viewer');
    const token = await tokenFor(stage, vera, ['stats:read']);
    const { body } = await call(stage, 'GET', '/v1/counters', { token });
    expect(body.data.active).toEqual({ sessions: 1, users: 1, by_user: [], by_machine: [] });
  });

  test('are rebuilt by who may, which is written down', async () => {
    const { stage, admin, bobToken } = history;
    const refused = await call(stage, 'POST', '/v1/counters/rebuild', { token: bobToken });
    expect(refused.status).toBe(403);
    // As if one had been missed.
    const { live } = history;
    await stage.counters.count({ ...live, status: 'failed' });
    const before = await call(stage, 'GET', '/v1/counters', { token: admin });
    expect(before.body.data.active.sessions).toBe(0);
    const rebuilt = await call(stage, 'POST', '/v1/counters/rebuild', { token: admin });
    expect([rebuilt.status, rebuilt.body.data.active.sessions]).toEqual([200, 1]);
    const audit = await call(stage, 'GET', '/v1/audit?type=counters.rebuilt', { token: admin });
    expect(audit.body.data.events.length).toBeGreaterThan(0);
  });

  test('count without an id what was of a user or a machine that is removed', async () => {
    const { stage, admin } = history;
    const mark = Date.now();
    const gone = await addUser(stage, `gone${mark}`);
    const box = await stage.store.machines.create(example.machine({ name: `gone${mark}` }));
    const [userId, machineId] = [gone.id, box.id];
    const now = new Date();
    const made = await stage.store.sessions.create(
      example.session({ userId, machineId, startedAt: now }),
    );
    await stage.counters.count(made);
    await stage.store.sessions.end(made.id, {
      ...{ endedAt: now, reason: 'client_closed', bytesIn: 1, bytesOut: 1 },
    });
    await stage.counters.count((await stage.store.sessions.get(made.id)) ?? made);
    const day = dayOf(now);
    for (const path of [`/v1/users/usr_${userId}`, `/v1/machines/mch_${machineId}`]) {
      const { status } = await call(stage, 'DELETE', path, { token: admin });
      expect(status, path).toBe(200);
      expect(await stage.counters.day(day), path).toEqual(await stage.store.counts.day(day));
    }
  });
});
