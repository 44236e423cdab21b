import { afterAll, beforeAll, expect, test } from 'vitest';
import { demands } from '../../src/api/guard.ts';
import { type History, openHistory } from './history.ts';
import { call } from './stage.ts';

/** Every route that hands out what was recorded, or says what it is, and the event that it leaves. */
const OPENED: Readonly<Record<string, string>> = {
  'GET /v1/sessions/:id/recording': 'recording.downloaded',
  'GET /v1/sessions/:id/logs': 'logs.viewed',
  'GET /v1/sessions/:id/commands': 'logs.viewed',
  'GET /v1/sessions/:id/transcript': 'logs.viewed',
  'GET /v1/sessions/:id/recording/seals': 'seals.viewed',
  'POST /v1/sessions/:id/recording/verification': 'recording.verified',
};

/** Those that need the same scope and answer nothing that was recorded. */
const BARE: readonly string[] = ['GET /v1/recordings'];

/** Opened by a WebSocket alone: test/e2e/live.test.ts looks for its event. */
const FOLLOWED: readonly string[] = ['GET /v1/sessions/:id/live'];

/** What a player asks for, piece by piece: test/api/replay.test.ts looks for its event. */
const PLAYED: readonly string[] = [
  'GET /v1/sessions/:id/replay',
  'GET /v1/sessions/:id/replay/:channel/:build/:segment',
];

/** Of many sessions at once: test/api/search.test.ts looks for its event. */
const SEARCHED: readonly string[] = ['GET /v1/search'];

let history: History;

beforeAll(async () => {
  history = await openHistory();
});

afterAll(() => history.stage.close());

async function events(type: string): Promise<number> {
  const { rows } = await history.stage.store.audit.list({}, { limit: 100 });
  return rows.filter((row) => row.type === type && row.sessionId === history.ended.id).length;
}

async function ask(method: string, path: string, headers: Record<string, string> = {}) {
  const { stage, admin, ended } = history;
  const at = path.replace(':id', String(ended.id));
  return await call(stage, method, at, { token: admin, headers });
}

test('the list above has every route that recordings can be read by', () => {
  const routes = [...demands(history.stage.api)]
    .filter(([, access]) => access === 'recordings:read')
    .map(([route]) => route);
  const known = [...Object.keys(OPENED), ...BARE, ...FOLLOWED, ...PLAYED, ...SEARCHED];
  expect(routes.sort()).toEqual(known.sort());
});

test.each(Object.entries(OPENED))('%s leaves one %s an opening', async (route, type) => {
  const [method = '', path = ''] = route.split(' ');
  const before = await events(type);
  expect((await ask(method, path)).status).toBe(200);
  expect(await events(type)).toBe(before + 1);
  expect((await ask(method, path)).status).toBe(200);
  expect(await events(type)).toBe(before + 2);
});

test('ranges of a recording, and pages of its text, are one opening', async () => {
  const path = '/v1/sessions/:id/recording?channel=2';
  const before = await events('recording.downloaded');
  for (const from of [0, 10, 20]) {
    const range = { range: `bytes=${from}-${from + 9}` };
    expect((await ask('GET', path, range)).status).toBe(206);
  }
  expect(await events('recording.downloaded')).toBe(before + 1);
  const pages = await events('logs.viewed');
  await ask('GET', '/v1/sessions/:id/logs?limit=1');
  await ask('GET', '/v1/sessions/:id/logs?limit=1&cursor=1');
  expect(await events('logs.viewed')).toBe(pages + 1);
});

test('nobody has to begin at the beginning to be noted', async () => {
  const before = await events('recording.downloaded');
  const { status } = await ask('GET', '/v1/sessions/:id/recording?channel=1', {
    range: 'bytes=30-',
  });
  expect(status).toBe(206);
  // This token read the whole of it a moment ago: its opening goes on.
  expect(await events('recording.downloaded')).toBe(before);
});

test('asking what there is leaves none, and HEAD has nothing in it', async () => {
  const before = await events('recording.downloaded');
  await ask('GET', '/v1/recordings');
  await ask('HEAD', '/v1/sessions/:id/recording');
  expect(await events('recording.downloaded')).toBe(before);
});
