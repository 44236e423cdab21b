import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Session, SessionFilter } from '../../src/domain/session.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { machine, session, user } from './examples.ts';

const END = { reason: 'client_closed', bytesIn: 10, bytesOut: 2000 } as const;

const FAILED = {
  type: 'recording.failed',
  ...{ actor: null, userId: null, machineId: null, sessionId: null, source: null },
} as const;

onBothDatabases('lists and totals of sessions', (kind) => {
  let opened: TestStore;
  let who: { readonly userId: number; readonly machineId: number };

  beforeAll(async () => {
    opened = await testStore(kind);
    const { users, machines } = opened.store;
    const ada = await users.create(user({ name: 'ada' }));
    const web1 = await machines.create(machine({ name: 'web1' }));
    who = { userId: ada.id, machineId: web1.id };
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  const begun = (change: Parameters<typeof session>[0] | object = {}): Promise<Session> =>
    opened.store.sessions.create(session({ ...who, ...change }));

  test('every filter finds its own, alone and together', async () => {
    const { users, machines, sessions } = opened.store;
    const zoe = await users.create(user({ name: 'zoe' }));
    const db1 = await machines.create(machine({ name: 'db1' }));
    const mine = await begun({
      userId: zoe.id,
      userName: 'zoe',
      machineId: db1.id,
      machineName: 'db1',
      login: 'postgres',
      kind: 'sftp',
      ipAddress: '2001:db8::5',
      startedAt: new Date('2025-06-01T00:00:00Z'),
    });
    const found = async (filter: Partial<SessionFilter>) =>
      (await sessions.list({ statuses: null, ...filter }, { limit: 100 })).rows.map((r) => r.id);
    const one: Partial<SessionFilter>[] = [
      { userId: zoe.id },
      { machineId: db1.id },
      { kind: 'sftp' },
      { to: new Date('2025-06-01T00:00:00.001Z') },
      { from: mine.startedAt, to: new Date('2025-07-01T00:00:00Z') },
      { search: 'ZO' },
      { search: 'db1' },
      { search: 'postg' },
      { search: '2001:DB8' },
    ];
    for (const filter of one)
      expect(await found(filter), JSON.stringify(filter)).toEqual([mine.id]);
    expect(await found(Object.assign({}, ...one, { statuses: ['pending'] }))).toEqual([mine.id]);
    expect(await found({ userId: zoe.id, statuses: ['active', 'stopped'] })).toEqual([]);
    expect(await found({ userId: zoe.id, to: mine.startedAt })).toEqual([]);
    expect(await found({ statuses: [] })).toEqual([]);
    expect(await found({ search: '%' })).toEqual([]);
  });

  test('paging by key shows each row once while others arrive', async () => {
    const { users, sessions } = opened.store;
    const pat = await users.create(user({ name: 'pat' }));
    const made: number[] = [];
    for (let i = 0; i < 7; i++) made.push((await begun({ userId: pat.id })).id);
    const filter = { statuses: null, userId: pat.id };
    const seen: number[] = [];
    let before: number | null = null;
    do {
      const page = await sessions.list(filter, { limit: 3, ...(before !== null && { before }) });
      expect(page.total).toBeNull();
      seen.push(...page.rows.map((row) => row.id));
      before = page.next;
      await begun({ userId: pat.id });
    } while (before !== null);
    expect(seen).toEqual(made.toReversed());
    const first = await sessions.list(filter, { limit: 4, page: 1 });
    expect(first.total).toBe(10);
    const third = await sessions.list(filter, { limit: 4, page: 3 });
    expect(third).toMatchObject({ total: 10, next: null });
    expect(third.rows).toHaveLength(2);
    expect(await sessions.list(filter, { limit: 4, page: 9e15 })).toMatchObject({ rows: [] });
    expect((await sessions.list(filter, { limit: 10, page: 1 })).next).toBeNull();
  });

  test('totals count what started in the period, users once, removed ones too', async () => {
    const { users, machines, sessions } = opened.store;
    const day = new Date('2024-02-29T00:00:00Z');
    const at = (hours: number): Date => new Date(day.getTime() + hours * 3_600_000);
    const [uma, vic] = [
      await users.create(user({ name: 'uma' })),
      await users.create(user({ name: 'vic' })),
    ];
    const [m1, m2] = [
      await machines.create(machine({ name: 'm1' })),
      await machines.create(machine({ name: 'm2' })),
    ];
    const lasted = async (change: object, from: number, to: number) => {
      const { id } = await begun({ startedAt: at(from), ...change });
      await sessions.end(id, { ...END, endedAt: at(to) });
    };
    const onM2 = { machineId: m2.id, machineName: 'm2' };
    await lasted({ userId: uma.id, userName: 'uma', ...onM2 }, 0, 1);
    await lasted({ userId: uma.id, userName: 'uma', ...onM2 }, 2, 4);
    await lasted({ userId: vic.id, userName: 'vic', machineId: m1.id, machineName: 'm1' }, 5, 6);
    await lasted({ userId: vic.id, userName: 'vic' }, 24, 30);
    const failed = { ...FAILED, at: at(3), detail: { policy: 'required' } };
    await opened.store.audit.append(failed);
    await opened.store.audit.append({ ...failed, at: at(24) });
    const expected = {
      totalSessions: 3,
      totalDurationSeconds: 4 * 3600,
      uniqueUsers: 2,
      failedRecordings: { required: 1, best_effort: 0 },
      topMachines: [
        { machineId: m2.id, name: 'm2', sessions: 2 },
        { machineId: m1.id, name: 'm1', sessions: 1 },
      ],
    };
    expect(await sessions.totals(day, at(24))).toEqual(expected);
    await users.remove(vic.id);
    await machines.remove(m1.id);
    expect(await sessions.totals(day, at(24))).toEqual({
      ...expected,
      topMachines: [expected.topMachines[0], { machineId: null, name: 'm1', sessions: 1 }],
    });
    expect(await sessions.totals(at(1000), at(1001))).toEqual({
      totalSessions: 0,
      totalDurationSeconds: 0,
      uniqueUsers: 0,
      failedRecordings: { required: 0, best_effort: 0 },
      topMachines: [],
    });
  });

  test('a live session has lasted until now', async () => {
    const { sessions } = opened.store;
    const startedAt = new Date(Date.now() - 60_000);
    await begun({ startedAt });
    const { totalDurationSeconds } = await sessions.totals(startedAt, new Date());
    expect(totalDurationSeconds).toBeGreaterThanOrEqual(60);
    expect(totalDurationSeconds).toBeLessThan(120);
  });
});
