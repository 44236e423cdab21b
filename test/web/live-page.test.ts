import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashBearer, newBearer } from '../../src/domain/bearer.ts';
import { scopesOfRole } from '../../src/domain/role.ts';
import type { Session } from '../../src/domain/session.ts';
import { createConsole } from '../../src/web/console.ts';
import type { ConsoleDeps } from '../../src/web/deps.ts';
import { addMachine, addSession, addUser, openStage, type Stage } from '../api/stage.ts';
import { consoleDeps } from './deps.ts';

let stage: Stage;
let deps: ConsoleDeps;
let running: Session;
let cookie: string;

beforeAll(async () => {
  stage = await openStage();
  deps = consoleDeps(stage);
  const alice = await addUser(stage, 'alice');
  running = await addSession(stage, alice, await addMachine(stage, 'web1'));
  await stage.store.sessions.activate(running.id, new Date());
  const { id: sessionId, startedAt } = running;
  const key = `2026/11/22/sess_${sessionId}-1.cast`;
  await stage.store.sessions.openRecording({ sessionId, channel: 1, key, startedAt });
  const bearer = newBearer();
  await stage.store.tokens.create({
    userId: alice.id,
    kind: 'web',
    name: 'console of alice',
    scopes: scopesOfRole('member'),
    expiresAt: null,
    hash: await hashBearer(bearer),
  });
  cookie = `postern_session=${bearer}`;
});

afterAll(() => stage.close());

async function page(query: string, change: Partial<ConsoleDeps> = {}): Promise<string> {
  const web = createConsole({ ...deps, ...change });
  const headers = { cookie };
  const url = `http://127.0.0.1:8080/sessions/${running.id}${query}`;
  return await (await web.request(url, { headers })).text();
}

test('a channel that is being recorded is followed', async () => {
  const live = await page('');
  expect(live).toContain(`data-live="/v1/sessions/${running.id}/live?channel=1"`);
  expect(live).toContain('/live.js"');
  expect(live).not.toContain('data-src=');
});

test('or replayed from its beginning', async () => {
  const replay = await page('?channel=1&from=start');
  expect(replay).toContain(`data-src="/sessions/${running.id}/recording?channel=1"`);
  expect(replay).not.toContain('data-live=');
});

test('on another node there is nothing to play, and the page names it', async () => {
  const elsewhere = await page('', { node: 'node-b' });
  expect(elsewhere).toContain(`on node ${running.node}`);
  expect(elsewhere).not.toMatch(/data-(?:live|src)=/);
});
