import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Command, TranscriptBlock } from '../../src/domain/analysis.ts';
import type { Session } from '../../src/domain/session.ts';
import { openHistory } from './history.ts';
import { call, type Stage } from './stage.ts';

let stage: Stage;
let admin: string;
let bobToken: string;
let ended: Session;

const command = (index: number, start: number, text: string): Command => ({
  ...{ channel: 1, index, start, end: start + 1, text, exitStatus: index, cwd: '/srv' },
  ...{ source: 'osc133', confidence: 'exact' },
});

const block = (
  index: number,
  from: number,
  text: string,
  change: Partial<TranscriptBlock> = {},
): TranscriptBlock => ({
  ...{ channel: 1, index, from, to: from, text, stream: 'terminal', kind: 'output' },
  ...change,
});

beforeAll(async () => {
  ({ stage, admin, bobToken, ended } = await openHistory());
  const { analyses, sessions } = stage.store;
  for (const { id, channel } of await sessions.recordings(ended.id)) {
    await analyses.begin(id, 1);
    if (channel === 1) {
      await analyses.write(id, {
        commands: [command(0, 1, 'make'), command(1, 20, 'ls \u001b[2J')],
        blocks: [
          block(0, 0, '$ make', { kind: 'prompt' }),
          block(1, 2, 'cc -O2 a.c'),
          block(2, 3, 'warning: unused', { stream: 'stderr' }),
          block(3, 21, 'Makefile'),
        ],
      });
    }
    await analyses.end(id, null);
  }
});

afterAll(() => stage.close());

const get = (path: string, token = admin) =>
  call(stage, 'GET', `/v1/sessions/${ended.id}/${path}`, { token });

test('commands are listed with when, how and where they were found', async () => {
  const { body } = await get('commands?limit=1');
  expect(body.data.commands).toEqual([
    {
      channel: 1,
      index: 0,
      command: 'make',
      started_at: expect.any(String),
      start: 1,
      end: 2,
      exit_status: 0,
      cwd: '/srv',
      source: 'osc133',
      confidence: 'exact',
    },
  ]);
  expect(body.data.analyses).toEqual([
    { channel: 1, state: 'done', reason: null },
    { channel: 2, state: 'done', reason: null },
  ]);
  const next = body.data.pagination.next_cursor;
  const second = await get(`commands?limit=1&cursor=${next}`);
  expect(second.body.data.commands).toMatchObject([{ index: 1, command: 'ls [2J' }]);
  expect(second.body.data.pagination.next_cursor).toBeNull();
});

test('the logs are made of them, in pages', async () => {
  const { body } = await get('logs');
  const shape = (logs: readonly Record<string, string>[]) =>
    logs.map(({ type, content }) => [type, content]);
  const all = [
    ['command', 'make'],
    ['output', 'cc -O2 a.c'],
    ['output', 'warning: unused'],
    ['command', 'ls [2J'],
    ['output', 'Makefile'],
  ];
  expect(shape(body.data.logs)).toEqual(all);
  const first = await get('logs?limit=3');
  const cursor = first.body.data.pagination.next_cursor;
  const second = await get(`logs?limit=3&cursor=${cursor}`);
  expect(shape([...first.body.data.logs, ...second.body.data.logs])).toEqual(all);
  expect(second.body.data.pagination.next_cursor).toBeNull();
  expect(shape((await get('logs?search=MAKE')).body.data.logs)).toEqual([
    ['command', 'make'],
    ['output', 'Makefile'],
  ]);
  expect((await get('logs?format=text')).body).toBe(
    '$ make\ncc -O2 a.c\nwarning: unused\n$ ls [2J\nMakefile\n',
  );
});

test('the transcript has prompts, times and the stream', async () => {
  const { body, headers } = await get('transcript');
  expect(headers.get('content-disposition')).toContain(`session-${ended.id}-channel-1.txt`);
  expect(body).toBe(
    '[0.0]\n$ make\n[2.0]\ncc -O2 a.c\n[3.0 stderr]\nwarning: unused\n[21.0]\nMakefile\n',
  );
});

test('all of it is for those alone who may see the session', async () => {
  for (const path of ['commands', 'logs', 'transcript']) {
    expect((await get(path, bobToken)).status).toBe(404);
  }
  const again = (path: string, token: string) => call(stage, 'POST', path, { token });
  expect((await again(`/v1/sessions/${ended.id}/recording/analysis`, bobToken)).status).toBe(403);
  expect((await again('/v1/recordings/analysis', bobToken)).status).toBe(403);
});

test('what is secret is hidden from who may not see it', async () => {
  const [first] = await stage.store.sessions.recordings(ended.id);
  const secret = `ghp_${'a1B2'.repeat(9)}`;
  await stage.store.analyses.write(first?.id ?? 0, {
    commands: [command(2, 30, `export GITHUB_TOKEN=${secret}`)],
    blocks: [],
  });
  expect(JSON.stringify((await get('commands')).body)).toContain(secret);
  const { body, status } = await get('commands?redact=1');
  expect(status).toBe(200);
  expect(body.data.commands).toHaveLength(3);
  expect(JSON.stringify(body)).not.toContain(secret);
});

test('it can be asked for again; until then the logs are read off the files', async () => {
  const { body, status } = await call(
    stage,
    'POST',
    `/v1/sessions/${ended.id}/recording/analysis`,
    { token: admin },
  );
  expect([status, body.data.recordings]).toEqual([202, 2]);
  const { body: logs } = await get('logs');
  expect(logs.data.logs[0]).toMatchObject({ type: 'command', content: 'ls -la' });
  expect((await call(stage, 'POST', '/v1/recordings/analysis', { token: admin })).status).toBe(202);
});
