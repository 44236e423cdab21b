import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TransferEvent } from '../../src/domain/transfer.ts';
import { type History, openHistory } from './history.ts';
import { call } from './stage.ts';

let history: History;

const names = ['a', 'b', 'c'];

function event(name: string): TransferEvent {
  return {
    protocol: 'sftp',
    operation: 'file',
    path: `/srv/${name}`,
    target: null,
    direction: 'upload',
    bytesRead: 0,
    bytesWritten: 5,
    result: 'ok',
    sha256: 'ab'.repeat(32),
    sequential: true,
    startedAt: new Date('2026-03-01T10:00:00.000Z'),
    duration: 12,
  };
}

beforeAll(async () => {
  history = await openHistory();
  const { stage, ended } = history;
  const batch = { sessionId: ended.id, channel: 1, first: 1, events: names.map(event) };
  await stage.store.transfers.append(batch);
});

afterAll(() => history.stage.close());

const get = (query = '', token = history.admin) =>
  call(history.stage, 'GET', `/v1/sessions/sess_${history.ended.id}/transfers${query}`, { token });

test('what was done with files, newest first', async () => {
  const { status, body } = await get();
  expect(status).toBe(200);
  expect(body.data.transfers).toHaveLength(3);
  expect(body.data.transfers[0]).toMatchObject({
    id: expect.stringMatching(/^tfr_\d+$/),
    channel: 1,
    protocol: 'sftp',
    operation: 'file',
    path: '/srv/c',
    target: null,
    direction: 'upload',
    bytes_read: 0,
    bytes_written: 5,
    result: 'ok',
    sha256: 'ab'.repeat(32),
    sequential: true,
    started_at: '2026-03-01T10:00:00.000Z',
    duration: 12,
  });
});

test('in pages, by number and by cursor', async () => {
  const paths = (body: { data: { transfers: { path: string }[] } }) =>
    body.data.transfers.map(({ path }) => path);
  expect(paths((await get('?limit=2&page=2')).body)).toEqual(['/srv/a']);
  const first = (await get('?limit=2')).body;
  const next = (await get(`?limit=2&cursor=${first.data.pagination.next_cursor}`)).body;
  expect([...paths(first), ...paths(next)]).toEqual(['/srv/c', '/srv/b', '/srv/a']);
});

test('of others is not there for who may not see them', async () => {
  const { status, body } = await get('', history.bobToken);
  expect([status, body.error.code]).toEqual([404, 'NOT_FOUND']);
});
