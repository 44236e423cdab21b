import { afterAll, beforeAll, expect, test } from 'vitest';
import { Outbox } from '../../src/control/outbox.ts';
import { keepTransfers, TransferLog } from '../../src/control/transfers.ts';
import type { TransferEvent } from '../../src/domain/transfer.ts';
import { machine, session, user } from '../store/examples.ts';
import { silent } from '../store/options.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';

const AT = new Date('2026-03-01T10:00:00.000Z');
const PAGE = { limit: 10, before: Number.MAX_SAFE_INTEGER };

function event(change: Partial<TransferEvent>): TransferEvent {
  return {
    protocol: 'sftp',
    operation: 'file',
    path: '/srv/a',
    target: null,
    direction: 'upload',
    bytesRead: 0,
    bytesWritten: 5,
    result: 'ok',
    sha256: null,
    sequential: true,
    startedAt: AT,
    duration: 12,
    ...change,
  };
}

onBothDatabases('what is kept of transfers', (kind) => {
  let opened: TestStore;
  let sessionId: number;
  beforeAll(async () => {
    opened = await testStore(kind);
    const { users, machines, sessions } = opened.store;
    const ada = await users.create(user({ name: 'ada' }));
    const web1 = await machines.create(machine({ name: 'web1' }));
    sessionId = (await sessions.create(session({ userId: ada.id, machineId: web1.id }))).id;
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  test('a batch that is kept twice is there once, and so are its audit events', async () => {
    const { store } = opened;
    const events = [
      event({ sha256: 'ab' }),
      event({ operation: 'rename', path: '/srv/a', target: '/srv/b', direction: null }),
      event({ path: '/srv/c', direction: 'download', bytesRead: 7, bytesWritten: 0 }),
    ];
    await keepTransfers(store, { sessionId, channel: 1, first: 1, events: events.slice(0, 2) });
    await keepTransfers(store, { sessionId, channel: 1, first: 1, events });
    const { rows } = await store.transfers.list(sessionId, PAGE);
    expect(rows.map(({ operation, path, target }) => [operation, path, target])).toEqual([
      ['file', '/srv/c', null],
      ['rename', '/srv/a', '/srv/b'],
      ['file', '/srv/a', null],
    ]);
    expect(rows[2]).toMatchObject({ sessionId, channel: 1, sha256: 'ab', duration: 12 });
    const audit = await store.audit.list({ type: 'transfer.finished' }, PAGE);
    expect(audit.rows.map(({ detail }) => detail['path'])).toEqual(['/srv/c', '/srv/a']);
  });

  test('another channel counts by itself; lists have pages', async () => {
    const { store } = opened;
    await keepTransfers(store, { sessionId, channel: 2, first: 1, events: [event({})] });
    const page = await store.transfers.list(sessionId, { ...PAGE, limit: 1 });
    expect(page.rows).toMatchObject([{ channel: 2 }]);
    const next = await store.transfers.list(sessionId, {
      limit: 10,
      before: page.rows[0]?.id ?? 0,
    });
    expect(next.rows).toHaveLength(3);
  });

  test('files beyond a bound are kept without an audit event of their own', async () => {
    const { store } = opened;
    await keepTransfers(store, {
      sessionId,
      channel: 3,
      first: 1000,
      events: [event({}), event({})],
    });
    const page = await store.transfers.list(sessionId, { ...PAGE, limit: 2 });
    expect(page.rows).toMatchObject([{ channel: 3 }, { channel: 3 }]);
    const audit = await store.audit.list({ type: 'transfer.finished' }, PAGE);
    expect(audit.rows.filter(({ detail }) => detail['channel'] === 3)).toHaveLength(1);
  });

  test('what waits for the database is bounded, and what is too much is said', async () => {
    const count = async () =>
      (await opened.store.transfers.list(sessionId, { limit: 1, page: 1 })).total ?? 0;
    const before = await count();
    const lines: string[] = [];
    const log = { ...silent, error: (message: string) => void lines.push(message) };
    const kept = new TransferLog(opened.store, new Outbox(silent), log);
    const waiting = Array.from({ length: 205 }, (_, at) =>
      kept.keep({ sessionId, channel: 4, first: at + 1, events: [event({ operation: 'mkdir' })] }),
    );
    expect(lines).toHaveLength(5);
    await Promise.all(waiting);
    expect(await count()).toBe(before + 200);
  });

  test('of a session that is not there nothing is kept', async () => {
    const batch = { sessionId: 999_999, channel: 1, first: 1, events: [event({})] };
    await expect(keepTransfers(opened.store, batch)).rejects.toMatchObject({
      code: 'thing.not_found',
    });
  });
});
