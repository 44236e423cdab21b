import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller } from '../../src/api/context.ts';
import { consoleActions } from '../../src/api/for-console.ts';
import type { Machine } from '../../src/domain/machine.ts';
import type { User } from '../../src/domain/user.ts';
import { viewerOf } from '../../src/domain/visibility.ts';
import { eventually } from '../support/eventually.ts';
import {
  addMachine,
  addRecording,
  addSession,
  addUser,
  call,
  openStage,
  type Stage,
  tokenFor,
} from './stage.ts';

let stage: Stage;
let actions: ReturnType<typeof consoleActions>;
let caller: Caller;
let machine: Machine;
let id: number;

beforeAll(async () => {
  stage = await openStage();
  actions = consoleActions(stage.deps);
  const admin = await addUser(stage, 'root', 'admin');
  caller = await callerFor(admin);
  machine = await addMachine(stage, 'web1');
  const session = await addSession(stage, admin, machine);
  id = session.id;
  const outputs = Array.from({ length: 600 }, (_, n) => `${n} ${'long line '.repeat(1000)}\r\n`);
  await addRecording(stage, session, 1, { outputs });
  await eventually('the index is there', async () =>
    (await actions.replayAnswer(caller, id, 1)).play === 'segments' ? true : null,
  );
});

afterAll(() => stage.close());

async function callerFor(user: User): Promise<Caller> {
  const bearer = await tokenFor(stage, user, ['recordings:read']);
  const viewer = await viewerOf(bearer, ['api'], stage.store, new Date());
  if (viewer === null) throw new Error('nobody has this token');
  return { viewer, source: '192.0.2.1' };
}

async function indexOf() {
  const response = await actions.replayIndex(caller, id, 1);
  const body: { duration: number; segments: { start: number; url: string }[] } = JSON.parse(
    await response.text(),
  );
  return { response, ...body };
}

const PLAIN = {
  method: 'GET',
  ...{ acceptEncoding: undefined, ifNoneMatch: undefined, range: undefined, ifRange: undefined },
};

async function segment(headers: { acceptEncoding?: string; ifNoneMatch?: string }, at = 1) {
  const { segments } = await indexOf();
  const [build = '', number = ''] = segments[at]?.url.split('/') ?? [];
  return actions.replaySegment(caller, {
    ...{ id, channel: 1, build, segment: Number(number) },
    ...PLAIN,
    ...headers,
  });
}

test('a short recording is played whole', async () => {
  const short = await addSession(stage, await addUser(stage, 'alice'), machine);
  await addRecording(stage, short, 1, { outputs: ['hello\r\n'] });
  expect(await actions.replayAnswer(caller, short.id, 1)).toEqual({ play: 'whole' });
  await expect(actions.replayIndex(caller, short.id, 1)).rejects.toThrow();
});

test('an index is never kept by the browser, and each opening is noted', async () => {
  const count = async () =>
    (await stage.store.audit.list({ type: 'recording.viewed' }, { limit: 100 })).rows.length;
  const before = await count();
  const { response, segments, duration } = await indexOf();
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(segments.length).toBeGreaterThan(3);
  expect(segments[0]?.start).toBe(0);
  expect(duration).toBeGreaterThan(segments.at(-1)?.start ?? 0);
  expect(await count()).toBe(before + 1);
  await segment({});
  expect(await count()).toBe(before + 2);
});

test.each(['gzip', 'br, gzip;q=0.5', '*'])(
  'a segment goes out as it lies for %s',
  async (header) => {
    const response = await segment({ acceptEncoding: header });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(response.headers.get('vary')).toContain('Accept-Encoding');
    const text = gunzipSync(Buffer.from(await response.arrayBuffer())).toString();
    expect(JSON.parse(text)).toMatchObject({ snapshot: { cols: 80, rows: 24 } });
  },
);

test.each([undefined, 'br', 'gzip;q=0'])('and plain for %s', async (header) => {
  const response = await segment(header === undefined ? {} : { acceptEncoding: header });
  expect(response.headers.has('content-encoding')).toBe(false);
  expect(await response.json()).toMatchObject({ snapshot: { cols: 80, rows: 24 } });
});

test('a segment may be kept, and is known again by its tag', async () => {
  const first = await segment({ acceptEncoding: 'gzip' });
  expect(first.headers.get('cache-control')).toBe('private, max-age=86400, immutable');
  const tag = first.headers.get('etag') ?? '';
  const again = await segment({ acceptEncoding: 'gzip', ifNoneMatch: tag });
  expect([again.status, await again.text()]).toEqual([304, '']);
  expect((await segment({ ifNoneMatch: tag })).status).toBe(200);
  expect((await segment({ acceptEncoding: 'gzip', ifNoneMatch: tag }, 2)).status).toBe(200);
});

test('segments of another index, and of a session that the caller may not see, are not there', async () => {
  const { segments } = await indexOf();
  const build = segments[0]?.url.split('/')[0] ?? '';
  const asked = { id, channel: 1, build, segment: 0 };
  const stranger = await callerFor(await addUser(stage, 'mallory'));
  await expect(actions.replaySegment(stranger, { ...asked, ...PLAIN })).rejects.toThrow();
  await expect(actions.replayIndex(stranger, id, 1)).rejects.toThrow();
  await expect(actions.replayAnswer(stranger, id, 1)).rejects.toThrow();
  for (const wrong of [{ build: 'f'.repeat(32) }, { segment: 999 }, { channel: 2 }]) {
    const request = actions.replaySegment(caller, { ...asked, ...PLAIN, ...wrong });
    await expect(request).rejects.toThrow();
  }
});

test('over the API the index has whole addresses, and its segments are there for the token', async () => {
  const admin = await stage.store.users.getByName('root');
  if (admin === null) throw new Error('there is no root');
  const token = await tokenFor(stage, admin, ['recordings:read']);
  // A range of JSON is none.
  const get = async (path: string, more = {}, method = 'GET') => {
    const headers = { authorization: `Bearer ${token}`, ...more };
    const response = await stage.api.request(path, { method, headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const seen = async () => {
    const found = await stage.store.audit.list({ type: 'recording.viewed' }, { limit: 100 });
    return found.rows.length;
  };
  const before = await seen();
  const { body, headers } = await call(stage, 'GET', `/v1/sessions/${id}/replay`, { token });
  expect(await seen()).toBe(before + 1);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body.data).toMatchObject({ session_id: `sess_${id}`, channel: 1, play: 'segments' });
  const url: string = body.data.index.segments[1].url;
  expect(url).toMatch(new RegExp(`^/v1/sessions/sess_${id}/replay/1/[0-9a-f]{32}/1$`));
  const whole = await get(url);
  expect(JSON.parse(whole.text)).toMatchObject({ snapshot: { cols: 80, rows: 24 } });
  const size = Number(whole.headers.get('content-length'));
  const etag = whole.headers.get('etag') ?? '';
  const head = await get(url, {}, 'HEAD');
  expect([head.status, head.text, Number(head.headers.get('content-length'))]).toEqual([
    200,
    '',
    size,
  ]);
  const part = await get(url, { range: 'bytes=1-9' });
  expect([part.status, part.text]).toEqual([206, whole.text.slice(1, 10)]);
  expect(part.headers.get('content-range')).toBe(`bytes 1-9/${size}`);
  expect(part.headers.get('content-length')).toBe('9');
  expect((await get(url, { range: 'bytes=0-9', 'if-range': etag })).status).toBe(206);
  expect((await get(url, { range: 'bytes=0-9', 'if-range': '"old"' })).status).toBe(200);
  const beyond = await get(url, { range: `bytes=${size}-` });
  expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
  expect((await get(url, { 'if-none-match': etag })).status).toBe(304);
  expect((await call(stage, 'GET', url, {})).status).toBe(401);
  const stranger = await tokenFor(stage, await addUser(stage, 'trudy'), ['recordings:read']);
  for (const path of [url, `/v1/sessions/${id}/replay`]) {
    expect((await call(stage, 'GET', path, { token: stranger })).status).toBe(404);
  }
  const blind = await tokenFor(stage, admin, ['sessions:read']);
  expect((await call(stage, 'GET', url, { token: blind })).status).toBe(403);
});

test('over the API a short recording is said to be played whole', async () => {
  const admin = await stage.store.users.getByName('root');
  if (admin === null) throw new Error('there is no root');
  const short = await addSession(stage, admin, machine);
  await addRecording(stage, short, 1, { outputs: ['hello\r\n'] });
  const token = await tokenFor(stage, admin, ['recordings:read']);
  const { body } = await call(stage, 'GET', `/v1/sessions/${short.id}/replay?channel=1`, { token });
  expect(body.data).toMatchObject({ play: 'whole', progress: null, index: null });
});
