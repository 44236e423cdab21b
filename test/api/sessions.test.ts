import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Machine } from '../../src/domain/machine.ts';
import type { Session } from '../../src/domain/session.ts';
import type { User } from '../../src/domain/user.ts';
import { openHistory } from './history.ts';
import { addUser, anotherApi, call, type Stage, tokenFor } from './stage.ts';

let stage: Stage;
let admin: string;
let ada: User;
let bobToken: string;
let web1: Machine;
let live: Session;
let ended: Session;
let start: Date;

const MINUTE = 60_000;

beforeAll(async () => {
  ({ stage, admin, ada, bobToken, web1, live, ended, start } = await openHistory());
});

afterAll(() => stage.close());

const list = async (query: string, token = admin) => {
  const { body, status } = await call(stage, 'GET', `/v1/sessions${query}`, { token });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.data.sessions.map((session: { id: string }) => session.id);
};

describe('the list', () => {
  test('has the shape of the seed, and the active ones without status', async () => {
    const { body } = await call(stage, 'GET', '/v1/sessions', { token: admin });
    expect(body.success).toBe(true);
    expect(body.data.sessions).toHaveLength(1);
    expect(body.data.sessions[0]).toMatchObject({
      id: `sess_${live.id}`,
      user: { id: `usr_${ada.id}`, name: 'ada' },
      machine: { id: `mch_${web1.id}`, name: 'web1' },
      status: 'active',
      started_at: live.startedAt.toISOString(),
      ip_address: '192.0.2.7',
    });
    expect(body.data.pagination).toEqual({
      page: 1,
      limit: 20,
      total: 1,
      total_pages: 1,
      next_cursor: null,
    });
  });

  test('takes every filter', async () => {
    const [one, other] = [`sess_${live.id}`, `sess_${ended.id}`];
    expect(await list('?status=all')).toEqual([one, other]);
    expect(await list('?status=ended')).toEqual([other]);
    expect(await list('?status=stopped')).toEqual([other]);
    expect(await list('?status=failed')).toEqual([]);
    expect(await list('?status=pending')).toEqual([]);
    expect(await list('?status=all&kind=exec')).toEqual([other]);
    expect(await list(`?status=all&machine_id=mch_${web1.id}`)).toEqual([one, other]);
    expect(await list(`?status=all&machine_id=${web1.id + 1}`)).toEqual([]);
    expect(await list(`?status=all&user_id=${ada.id}`)).toEqual([one, other]);
    expect(await list('?status=all&search=WEB')).toEqual([one, other]);
    expect(await list('?status=all&search=%25')).toEqual([]);
    const between = new Date(start.getTime() + MINUTE / 2).toISOString();
    expect(await list(`?status=all&from=${between}`)).toEqual([one]);
    expect(await list(`?status=all&to=${between}`)).toEqual([other]);
  });

  test('goes by page or by cursor', async () => {
    const first = await call(stage, 'GET', '/v1/sessions?status=all&limit=1&cursor=', {
      token: admin,
    });
    expect(first.body.data.pagination).toEqual({ limit: 1, next_cursor: String(live.id) });
    const query = `?status=all&limit=1&cursor=${first.body.data.pagination.next_cursor}`;
    expect(await list(query)).toEqual([`sess_${ended.id}`]);
    const second = await call(stage, 'GET', '/v1/sessions?status=all&limit=1&page=2', {
      token: admin,
    });
    expect(second.body.data.sessions[0].id).toBe(`sess_${ended.id}`);
    expect(second.body.data.pagination).toMatchObject({ page: 2, total: 2, total_pages: 2 });
  });

  test.each([
    ['status=zombie', 'status'],
    ['kind=teleport', 'kind'],
    ['machine_id=usr_1', 'machine_id'],
    ['user_id=-1', 'user_id'],
    ['user_id=9007199254740993', 'user_id'],
    ['from=yesterday', 'from'],
    ['to=2024-02-30', 'to'],
    ['from=2024-01-02&to=2024-01-01', 'from'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['page=0', 'page'],
    ['page=1&cursor=5', 'cursor'],
    ['cursor=abc', 'cursor'],
    ['search=%00', 'search'],
    ['colour=red', 'colour'],
    ['limit=1&limit=2', 'limit'],
  ])('names what is wrong with ?%s', async (query, field) => {
    const { status, body } = await call(stage, 'GET', `/v1/sessions?${query}`, { token: admin });
    expect([status, body.error.code]).toEqual([400, 'BAD_REQUEST']);
    expect(body.error.details.map((detail: { field: string }) => detail.field)).toEqual([field]);
  });

  test('two bad fields are two details', async () => {
    const { body } = await call(stage, 'GET', '/v1/sessions?limit=0&status=x', { token: admin });
    expect(body.error.details).toHaveLength(2);
  });

  test('shows others than admins only what is theirs', async () => {
    expect(await list('?status=all', bobToken)).toEqual([]);
    expect(await list(`?status=all&user_id=${ada.id}`, bobToken)).toEqual([]);
  });
});

describe('one session', () => {
  test('has its channels and recordings, and is found with or without the prefix', async () => {
    for (const id of [ended.id, `sess_${ended.id}`]) {
      const { body } = await call(stage, 'GET', `/v1/sessions/${id}`, { token: admin });
      expect(body.data).toMatchObject({
        id: `sess_${ended.id}`,
        user: { email: 'ada@example.org' },
        machine: { host: '10.0.0.5' },
        status: 'stopped',
        end_reason: 'client_closed',
        login: 'deploy',
        user_agent: 'SSH-2.0-OpenSSH_9.2',
        bytes_in: 10,
        bytes_out: 20,
      });
      expect(body.data.channels.map((one: { command: string }) => one.command)).toEqual([
        'ls -la',
        null,
      ]);
      expect(body.data.recordings[0]).toMatchObject({ channel: 1, state: 'complete' });
      expect(body.data.recordings[0]).not.toHaveProperty('key');
    }
  });

  test('is a 404 to who may not see it, as if it were not there', async () => {
    const hidden = await call(stage, 'GET', `/v1/sessions/${ended.id}`, { token: bobToken });
    const absent = await call(stage, 'GET', '/v1/sessions/9007199254740991', { token: bobToken });
    expect([hidden.status, absent.status]).toEqual([404, 404]);
    const blind = (text: string) => text.replace(/[0-9]+/, 'N');
    expect(blind(hidden.body.error.message)).toBe(blind(absent.body.error.message));
    for (const path of ['recording', 'logs']) {
      const answer = await call(stage, 'GET', `/v1/sessions/${ended.id}/${path}`, {
        token: bobToken,
      });
      expect(answer.status).toBe(404);
    }
    const kill = await call(stage, 'DELETE', `/v1/sessions/${live.id}`, { token: bobToken });
    expect([kill.status, stage.gateway.asked]).toEqual([404, []]);
  });

  test.each(['abc', 'usr_1', '0', '-1', '01', '1e3'])('names a bad id: %s', async (id) => {
    const { status, body } = await call(stage, 'GET', `/v1/sessions/${id}`, { token: admin });
    expect([status, body.error.details[0].field]).toEqual([400, 'id']);
  });
});

describe('the statistics', () => {
  test('have the shape of the seed', async () => {
    const { body } = await call(stage, 'GET', '/v1/sessions/stats', { token: admin });
    expect(body.data).toMatchObject({
      total_sessions: 2,
      active_sessions: 1,
      source: 'counters',
      unique_users: 1,
      top_machines: [{ machine_id: `mch_${web1.id}`, name: 'web1', sessions_count: 2 }],
    });
    expect(body.data.total_duration_hours).toBeGreaterThan(0);
  });

  test('count in the database when the counters do not answer', async () => {
    const active = () => Promise.reject(new Error('redis is gone'));
    const counters = Object.assign(Object.create(stage.counters), { active });
    const without = anotherApi(stage, { counters });
    const { body } = await call(without, 'GET', '/v1/sessions/stats', { token: admin });
    expect(body.data).toMatchObject({ active_sessions: 1, source: 'database' });
  });

  test('name no machine to who was not granted it', async () => {
    const vera = await addUser(stage, 'vera', 'viewer');
    const token = await tokenFor(stage, vera, ['stats:read']);
    const { body } = await call(stage, 'GET', '/v1/sessions/stats?period=week', { token });
    expect(body.data).toMatchObject({ total_sessions: 2, top_machines: [] });
  });

  test('name a bad period', async () => {
    const { body } = await call(stage, 'GET', '/v1/sessions/stats?period=year', { token: admin });
    expect(body.error.details[0].field).toBe('period');
  });
});

describe('ending a session', () => {
  test('answers 503 when nobody confirms in time, or holds it', async () => {
    for (const next of ['silence', 'not here'] as const) {
      stage.gateway.next = next;
      const { status, body } = await call(stage, 'DELETE', `/v1/sessions/${live.id}`, {
        token: admin,
      });
      expect([status, body.error.code]).toEqual([503, 'UNAVAILABLE']);
    }
  });

  test('answers in the words of the seed when it has ended, and 409 the second time', async () => {
    stage.gateway.next = 'end';
    const first = await call(stage, 'DELETE', `/v1/sessions/sess_${live.id}`, { token: admin });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      success: true,
      message: 'Session terminated successfully',
    });
    expect(stage.gateway.asked.at(-1)).toEqual({ id: live.id, reason: 'terminated', by: 't' });
    const again = await call(stage, 'DELETE', `/v1/sessions/${live.id}`, { token: admin });
    expect([again.status, again.body.error.code]).toEqual([409, 'CONFLICT']);
    const { rows } = await stage.store.audit.list({ type: 'session.terminated' }, { limit: 5 });
    expect(rows).toHaveLength(3);
  });
});
