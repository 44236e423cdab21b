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

async function segment(headers: { acceptEncoding?: string; ifNoneMatch?: string }, at = 1) {
  const { segments } = await indexOf();
  const [build = '', number = ''] = segments[at]?.url.split('/') ?? [];
  return actions.replaySegment(caller, {
    ...{ id, channel: 1, build, segment: Number(number) },
    ...{ acceptEncoding: headers.acceptEncoding, ifNoneMatch: headers.ifNoneMatch },
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
  const plain = { acceptEncoding: undefined, ifNoneMatch: undefined };
  const stranger = await callerFor(await addUser(stage, 'mallory'));
  await expect(actions.replaySegment(stranger, { ...asked, ...plain })).rejects.toThrow();
  await expect(actions.replayIndex(stranger, id, 1)).rejects.toThrow();
  await expect(actions.replayAnswer(stranger, id, 1)).rejects.toThrow();
  for (const wrong of [{ build: 'f'.repeat(32) }, { segment: 999 }, { channel: 2 }]) {
    const request = actions.replaySegment(caller, { ...asked, ...plain, ...wrong });
    await expect(request).rejects.toThrow();
  }
});
