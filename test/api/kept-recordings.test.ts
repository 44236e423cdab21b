import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RetentionSweep } from '../../src/control/retention.ts';
import type { Session } from '../../src/domain/session.ts';
import { type History, openHistory } from './history.ts';
import { type Answer, addRecording, addSession, anotherApi, call, tokenFor } from './stage.ts';

let history: History;
let held: Session;

beforeAll(async () => {
  history = await openHistory();
  const { stage, ada, web1, start } = history;
  const change = { startedAt: new Date(start.getTime() - 60_000), node: 'node-a' };
  held = await addSession(stage, ada, web1, change);
  await addRecording(stage, held, 1, { outputs: ['evidence'] });
});

afterAll(() => history.stage.close());

function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const { stage, admin } = history;
  return call(stage, method, `/v1/${path}`, { token: admin, ...(body ? { body } : {}) });
}

async function rows(query = ''): Promise<{ session_id: string; channel: number; state: string }[]> {
  return (await ask('GET', `recordings?${query}`)).body.data.recordings;
}

async function keyOf(session: Session, channel: number): Promise<string> {
  const all = await history.stage.store.sessions.recordings(session.id);
  const key = all.find((one) => one.channel === channel)?.key ?? '';
  return join(history.stage.recordings, key);
}

async function events(type: 'recording.removed' | 'recording.held' | 'recording.released') {
  return (await history.stage.store.audit.list({ type }, { limit: 20 })).rows;
}

test('the list has what the caller may see, filtered and in pages', async () => {
  const { stage, ada, ended, bobToken } = history;
  expect(await rows()).toMatchObject([
    { session_id: `sess_${held.id}`, channel: 1, state: 'complete', legal_hold: null },
    { session_id: `sess_${ended.id}`, channel: 2, user: 'ada', machine: 'web1' },
    { session_id: `sess_${ended.id}`, channel: 1 },
  ]);
  expect(await rows(`session_id=${ended.id}`)).toHaveLength(2);
  expect(await rows('state=tampered')).toEqual([]);
  expect(await rows(`user_id=${ada.id}&from=2020-01-01&to=2020-01-02`)).toEqual([]);
  const page = await ask('GET', 'recordings?limit=2&cursor=');
  expect(page.body.data.pagination.next_cursor).not.toBeNull();
  const { next_cursor } = page.body.data.pagination;
  expect(await rows(`limit=2&cursor=${next_cursor}`)).toMatchObject([{ channel: 1 }]);
  expect((await ask('GET', 'recordings?page=1')).body.data.pagination.total).toBe(3);
  expect((await ask('GET', 'recordings?state=lost')).status).toBe(400);
  const others = await call(stage, 'GET', '/v1/recordings', { token: bobToken });
  expect(others.body.data.recordings).toEqual([]);
});

test('what is under legal hold is not deleted, and the hold is told', async () => {
  const path = `sessions/${held.id}/legal-hold`;
  expect((await ask('PUT', path, { reason: 'case 7' })).status).toBe(200);
  expect((await ask('PUT', path, { reason: 'again' })).status).toBe(409);
  const refused = await ask('DELETE', `sessions/${held.id}/recording`);
  expect(refused).toMatchObject({
    status: 409,
    body: { error: { message: `the recordings of session sess_${held.id} are under legal hold` } },
  });
  expect(existsSync(await keyOf(held, 1))).toBe(true);
  expect((await ask('GET', `sessions/${held.id}`)).body.data.legal_hold).toMatchObject({
    reason: 'case 7',
  });
  const now = new Date(Date.now() + 1e9);
  const { store } = history.stage;
  expect(
    (await store.recordings.expired('node-a', 1, now, 10)).map((one) => one.session.id),
  ).toEqual(expect.not.arrayContaining([held.id]));
  expect((await ask('DELETE', path)).status).toBe(200);
  expect((await ask('DELETE', path)).status).toBe(409);
  expect(await events('recording.held')).toMatchObject([{ detail: { reason: 'case 7' } }]);
  expect(await events('recording.released')).toHaveLength(1);
});

test('deleting takes the file and what was made of it; hash and seals stay as proof', async () => {
  const { stage, ended, ada } = history;
  const file = await keyOf(ended, 2);
  const other = await keyOf(ended, 1);
  writeFileSync(`${file}.index`, 'made of it');
  writeFileSync(file.replace('-2.cast', '-2.2.cast'), 'of another database');
  const before = (await ask('GET', `sessions/${ended.id}/recording/seals?channel=2`)).body.data;
  const path = `sessions/${ended.id}/recording?channel=2`;
  const member = await tokenFor(stage, ada, ['recordings:read', 'sessions:write']);
  expect((await call(stage, 'DELETE', `/v1/${path}`, { token: member })).status).toBe(403);
  expect((await ask('DELETE', path)).status).toBe(200);
  expect([file, `${file}.index`, other].map((one) => existsSync(one))).toEqual([
    false,
    false,
    true,
  ]);
  expect(readFileSync(file.replace('-2.cast', '-2.2.cast'), 'utf8')).toBe('of another database');
  const [row] = await rows(`session_id=${ended.id}&state=deleted`);
  expect(row).toMatchObject({
    channel: 2,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    deleted_by: 't',
    deleted_at: expect.any(String),
  });
  const seals = await ask('GET', `sessions/${ended.id}/recording/seals?channel=2`);
  expect(seals.body.data.seals).toEqual(before.seals);
  expect(seals.body.data.seals).toHaveLength(1);
  for (const method of ['GET', 'DELETE']) {
    expect(await ask(method, path)).toMatchObject({
      status: 404,
      body: { error: { message: expect.stringMatching(/was deleted on \d{4}-\d\d-\d\d by t$/) } },
    });
  }
  expect((await ask('GET', `sessions/${ended.id}/logs`)).status).toBe(200);
  expect(await events('recording.removed')).toMatchObject([
    {
      actor: 't',
      sessionId: ended.id,
      detail: { channel: 2, why: 'asked', seal: before.seals[0].hash },
    },
  ]);
});

test('what is being written, or on another node, is not deleted', async () => {
  const { stage, live, ada, web1 } = history;
  const startedAt = new Date();
  const key = '2026/11/22/sess_live-1.cast';
  await stage.store.sessions.openRecording({ sessionId: live.id, channel: 1, key, startedAt });
  mkdirSync(join(stage.recordings, '2026/11/22'), { recursive: true });
  expect(await ask('DELETE', `sessions/${live.id}/recording`)).toMatchObject({
    status: 409,
    body: { error: { message: expect.stringContaining('is still being written') } },
  });
  const far = await addSession(stage, ada, web1, { node: 'node-b' });
  const there = { sessionId: far.id, channel: 1, key: '2026/11/22/sess_far-1.cast', startedAt };
  await stage.store.sessions.openRecording(there);
  await stage.store.sessions.closeRecording(far.id, 1, 'gap', null, startedAt);
  expect(await ask('DELETE', `sessions/${far.id}/recording`)).toMatchObject({
    status: 409,
    body: { error: { message: expect.stringContaining('on the node node-b') } },
  });
});

test('a sweep shows what it would delete, and deletes it when it is told to', async () => {
  const { stage, admin } = history;
  const retention = new RetentionSweep({
    ...{ store: stage.store, library: stage.deps.recordings, node: 'node-a', log: stage.log },
    retention: { age: 3600, size: 0 },
    clock: () => new Date(Date.now() + 2 * 3_600_000),
  });
  const api = anotherApi(stage, { retention });
  const sweep = (dry_run: boolean) =>
    call(api, 'POST', '/v1/recordings/sweep', { token: admin, body: { dry_run } });
  const shown = await sweep(true);
  expect(shown.body.data).toMatchObject({ dry_run: true, more: false });
  expect(shown.body.data.count).toBeGreaterThan(0);
  expect(shown.body.data.recordings[0]).toMatchObject({ why: 'age', state: 'complete' });
  const again = await sweep(true);
  expect(again.body.data.count).toBe(shown.body.data.count);
  expect((await sweep(false)).body.data.count).toBe(shown.body.data.count);
  expect((await sweep(true)).body.data.count).toBe(0);
  expect(existsSync(await keyOf(held, 1))).toBe(false);
});
