import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { playRecording } from '../../src/api/playback.ts';
import { PosternError } from '../../src/domain/errors.ts';
import type { Session } from '../../src/domain/session.ts';
import { viewerOf } from '../../src/domain/visibility.ts';
import { openHistory } from './history.ts';
import { anotherApi, call, type Stage } from './stage.ts';

let stage: Stage;
let admin: string;
let live: Session;
let ended: Session;
let start: Date;

beforeAll(async () => {
  ({ stage, admin, live, ended, start } = await openHistory());
});

afterAll(() => stage.close());

describe('the recording', () => {
  const path = () => `/v1/sessions/${ended.id}/recording`;
  const get = (query = '', headers = {}, method = 'GET') =>
    call(stage, method, `${path()}${query}`, { token: admin, headers });

  test('is the file byte for byte, of the first channel unless another is named', async () => {
    const { body, headers, status } = await get();
    expect([status, headers.get('content-type')]).toEqual([200, 'application/x-asciicast']);
    const [recording] = await stage.store.sessions.recordings(ended.id);
    expect(createHash('sha256').update(body).digest('hex')).toBe(recording?.sha256);
    expect(headers.get('etag')).toBe(`"${recording?.sha256}"`);
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(body));
    expect(headers.get('content-disposition')).toContain('attachment');
    expect(headers.get('x-ratelimit-limit')).not.toBeNull();
    expect((await get('?channel=2')).body).toContain('second channel');
  });

  test('comes in ranges that join to the whole', async () => {
    const { body, headers } = await get();
    const size = Buffer.byteLength(body);
    const first = await get('', { range: 'bytes=0-9' });
    const rest = await get('', { range: 'bytes=10-' });
    expect([first.status, rest.status]).toEqual([206, 206]);
    expect(first.body + rest.body).toBe(body);
    expect(first.headers.get('content-range')).toBe(`bytes 0-9/${size}`);
    expect(first.headers.get('content-length')).toBe('10');
    const tail = await get('', { range: 'bytes=-5' });
    expect(body.endsWith(tail.body)).toBe(true);
    const beyond = await get('', { range: `bytes=${size}-` });
    expect([beyond.status, beyond.body.error.code]).toEqual([416, 'BAD_REQUEST']);
    expect(beyond.headers.get('content-range')).toBe(`bytes */${size}`);
    const etag = headers.get('etag') ?? '';
    expect((await get('', { range: 'bytes=0-9', 'if-range': etag })).status).toBe(206);
    expect((await get('', { range: 'bytes=0-9', 'if-range': '"old"' })).status).toBe(200);
    expect((await get('', { 'if-none-match': etag })).status).toBe(304);
  });

  test('is measured by HEAD', async () => {
    const { body, headers, status } = await get('', {}, 'HEAD');
    expect([status, body]).toEqual([200, '']);
    expect(Number(headers.get('content-length'))).toBeGreaterThan(100);
  });

  test('comes as v2, whole', async () => {
    const { body, headers } = await get('?format=v2', { range: 'bytes=0-9' });
    const [header, ...events] = body
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line));
    expect(header.version).toBe(2);
    expect(events.length).toBeGreaterThan(1);
    expect(headers.get('accept-ranges')).toBe('none');
  });

  test('says what there is not', async () => {
    const noChannel = await get('?channel=9');
    expect([noChannel.status, noChannel.body.error.message]).toEqual([
      404,
      `session sess_${ended.id} has no recording of channel 9`,
    ]);
    expect((await get('?format=v1')).body.error.details[0].field).toBe('format');
    expect((await get('?channel=first')).body.error.details[0].field).toBe('channel');
  });

  test('is there up to its last whole line while it is written, and is not cached', async () => {
    const startedAt = new Date();
    const recording = await stage.recorder.start({
      sessionId: live.id,
      channel: 1,
      startedAt,
      pty: null,
      command: null,
      title: 'live',
    });
    const { key } = recording;
    await stage.store.sessions.openRecording({ sessionId: live.id, channel: 1, key, startedAt });
    recording.output(Buffer.from('so far\n'));
    const { body, headers, status } = await call(
      stage,
      'GET',
      `/v1/sessions/${live.id}/recording`,
      {
        token: admin,
      },
    );
    expect([status, headers.get('cache-control'), headers.get('etag')]).toEqual([
      200,
      'no-store',
      null,
    ]);
    expect(JSON.parse(body.split('\n')[0]).version).toBe(3);
    expect(body.endsWith('\n')).toBe(true);
    await recording.end(null);
  });

  test('plays with the line ends of a terminal where there was none', async () => {
    const viewer = await viewerOf(admin, ['api'], stage.store, new Date());
    if (viewer === null) throw new Error('no viewer');
    const caller = { viewer, source: '192.0.2.1' };
    const answer = await playRecording(stage.deps, caller, ended.id, 1);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.text()).toContain('42\\r\\n');
    const { rows } = await stage.store.audit.list({ type: 'recording.viewed' }, { limit: 5 });
    expect(rows[0]).toMatchObject({ sessionId: ended.id, source: '192.0.2.1' });
  });
});

describe('the logs', () => {
  const get = (query = '') =>
    call(stage, 'GET', `/v1/sessions/${ended.id}/logs${query}`, { token: admin });

  test('that cannot be fetched are an error, and not a text that breaks off', async () => {
    async function* away(): AsyncGenerator<never> {
      yield await Promise.reject(new PosternError('recording.away', { id: 'sess_1' }));
    }
    const recordings = new Proxy(stage.deps.recordings, {
      get: (library, name) => {
        const value: unknown = name === 'logs' ? away : Reflect.get(library, name);
        return typeof value === 'function' ? value.bind(library) : value;
      },
    });
    const other = anotherApi(stage, { recordings });
    const path = `/v1/sessions/${ended.id}/logs?format=text`;
    const { status, body } = await call(other, 'GET', path, { token: admin });
    expect([status, body.error.code]).toEqual([503, 'UNAVAILABLE']);
  });

  test('are commands and output in the shape of the seed, without control sequences', async () => {
    const { body } = await get();
    expect(body.data.session_id).toBe(`sess_${ended.id}`);
    expect(
      body.data.logs.map(({ type, content }: Record<string, string>) => [type, content]),
    ).toEqual([
      ['command', 'ls -la'],
      ['output', 'total 42\ndrwxr-xr-x 5 über'],
      ['output', 'second channel'],
    ]);
    expect(body.data.logs[0].timestamp).toBe(start.toISOString());
  });

  test('come in pages', async () => {
    const first = await get('?limit=2');
    expect(first.body.data.logs).toHaveLength(2);
    expect(first.body.data.pagination).toEqual({ limit: 2, next_cursor: '2' });
    const second = await get('?limit=2&cursor=2');
    expect(second.body.data.logs[0].content).toBe('second channel');
    expect(second.body.data.pagination.next_cursor).toBeNull();
  });

  test('are searched, and cut by seconds', async () => {
    expect((await get('?search=ÜBER')).body.data.logs).toHaveLength(1);
    expect((await get('?from=5')).body.data.logs).toHaveLength(0);
    expect((await get('?to=5')).body.data.logs).toHaveLength(3);
  });

  test('come as text', async () => {
    const { body, headers } = await get('?format=text');
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(body).toBe('$ ls -la\ntotal 42\ndrwxr-xr-x 5 über\nsecond channel\n');
  });

  test.each([
    ['format=xml', 'format'],
    ['from=-1', 'from'],
    ['from=2&to=1', 'from'],
    ['format=text&limit=5', 'limit'],
    ['cursor=x', 'cursor'],
    ['tail=1', 'tail'],
  ])('name what is wrong with ?%s', async (query, field) => {
    const { status, body } = await get(`?${query}`);
    expect([status, body.error.details[0].field]).toEqual([400, field]);
  });

  test('leave a trace, and none of what was read', async () => {
    const { rows } = await stage.store.audit.list({ type: 'logs.viewed' }, { limit: 1 });
    expect(rows[0]).toMatchObject({ sessionId: ended.id, actor: 't', source: '192.0.2.1' });
    expect(JSON.stringify(rows)).not.toContain('ls -la');
  });
});
