import { afterAll, beforeAll, expect, test } from 'vitest';
import { MOST_PENDING, type NewApproval } from '../../src/domain/approval.ts';
import type { Machine } from '../../src/domain/machine.ts';
import type { Group, User } from '../../src/domain/user.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { grant, machine, user } from './examples.ts';

const NOW = new Date('2026-03-01T10:00:00.000Z');
const LATER = new Date('2026-03-01T10:15:00.000Z');

onBothDatabases('requests for approval', (kind) => {
  let opened: TestStore;
  let leads: Group;
  let lena: User;
  let web1: Machine;
  let next = 0;
  beforeAll(async () => {
    opened = await testStore(kind);
    const { users, groups, machines } = opened.store;
    lena = await users.create(user({ name: 'lena' }));
    leads = await groups.create('leads', [lena.id]);
    web1 = await machines.create(machine({ name: 'web1' }));
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  async function somebody(): Promise<User> {
    next += 1;
    return await opened.store.users.create(user({ name: `user${next}` }));
  }

  function wanted(by: User, more: Partial<NewApproval> = {}): NewApproval {
    return {
      ...{ userId: by.id, userName: by.name, machineId: web1.id, machineName: web1.name },
      ...{ grantId: 1, login: 'deploy', kind: 'shell', node: 'node-a', source: '192.0.2.7' },
      ...{ by: { groupId: leads.id }, byName: 'group leads', askedAt: NOW, expiresAt: LATER },
      ...more,
    };
  }

  async function asked(by: User, more: Partial<NewApproval> = {}): Promise<number> {
    const made = await opened.store.approvals.create(wanted(by, more));
    if (made === null) throw new Error('refused');
    return made.id;
  }

  const word = { name: 'lena', reason: 'fine', at: NOW };

  test('come back as they went in', async () => {
    const who = await somebody();
    const made = await opened.store.approvals.create(wanted(who));
    expect(made).toMatchObject({
      ...wanted(who),
      ...{ status: 'pending', closedAt: null, decidedBy: null, reason: '' },
    });
    expect(await opened.store.approvals.get(made?.id ?? 0)).toEqual(made);
    expect(await opened.store.approvals.get(999_999)).toBeNull();
    expect(await opened.store.approvals.some([made?.id ?? 0, 999_999])).toEqual([made]);
  });

  test('are limited for each user, also when they come at once; due ones do not count', async () => {
    const { approvals } = opened.store;
    const who = await somebody();
    const many = Array.from({ length: MOST_PENDING + 3 }, () => approvals.create(wanted(who)));
    const made = await Promise.all(many);
    expect(made.filter((one) => one !== null)).toHaveLength(MOST_PENDING);
    expect(await approvals.create(wanted(await somebody()))).not.toBeNull();
    const after = { askedAt: LATER, expiresAt: new Date(LATER.getTime() + 1000) };
    expect(await approvals.create(wanted(who, after))).not.toBeNull();
  });

  test('are decided once, and not when they are due', async () => {
    const { approvals } = opened.store;
    const who = await somebody();
    const id = await asked(who);
    const both = await Promise.all([
      approvals.decide(id, 'approved', word),
      approvals.decide(id, 'denied', word),
    ]);
    expect(both.filter((one) => one !== null)).toHaveLength(1);
    expect(await approvals.close(id, 'expired', NOW)).toBeNull();
    const due = await asked(who);
    expect(await approvals.decide(due, 'approved', { ...word, at: LATER })).toBeNull();
    expect(await approvals.close(due, 'expired', LATER)).toMatchObject({
      status: 'expired',
      closedAt: LATER,
    });
    expect(await approvals.close(due, 'called_off', LATER)).toBeNull();
  });

  test('open one session of their own user once they are approved', async () => {
    const { approvals } = opened.store;
    const who = await somebody();
    const [id, denied] = [await asked(who), await asked(who)];
    expect(await approvals.use(id, who.id)).toBe(false);
    expect(await approvals.decide(id, 'approved', word)).toMatchObject({
      ...{ status: 'approved', decidedBy: 'lena', reason: 'fine', closedAt: NOW },
    });
    await approvals.decide(denied, 'denied', word);
    expect(await approvals.use(id, lena.id)).toBe(false);
    expect(await Promise.all([approvals.use(id, who.id), approvals.use(id, who.id)])).toContain(
      false,
    );
    expect(await approvals.use(id, who.id)).toBe(false);
    expect(await approvals.use(denied, who.id)).toBe(false);
  });

  test('are listed for who asked, for who may decide, and for nobody else', async () => {
    const { approvals } = opened.store;
    const [who, other] = [await somebody(), await somebody()];
    const mine = await asked(who);
    const named = await asked(who, { by: { userId: other.id }, byName: `user ${other.name}` });
    const seenBy = async (userId: number, groups: readonly number[], now = NOW) => {
      const filter = { statuses: ['pending'] as const, viewer: { userId, groups }, now };
      return (await approvals.list(filter, { limit: 100 })).rows.map(({ id }) => id);
    };
    expect(await seenBy(who.id, [])).toEqual([named, mine]);
    expect(await seenBy(other.id, [])).toEqual([named]);
    expect(await seenBy(lena.id, [leads.id])).toContain(mine);
    expect(await seenBy(lena.id, [leads.id])).not.toContain(named);
    expect(await seenBy((await somebody()).id, [])).toEqual([]);
    expect(await seenBy(who.id, [], LATER)).toEqual([]);
    const expired = { statuses: ['expired'], viewer: { userId: who.id, groups: [] }, now: LATER };
    const page = await approvals.list({ ...expired, statuses: ['expired'] }, { limit: 1, page: 1 });
    expect(page).toMatchObject({ rows: [{ id: named }], total: 2, next: named });
    const all = await approvals.list({ statuses: null, viewer: null, now: NOW }, { limit: 100 });
    expect(all.rows.map(({ id }) => id)).toEqual(expect.arrayContaining([mine, named]));
  });

  test('are called off by the next start of their node alone', async () => {
    const { approvals } = opened.store;
    const who = await somebody();
    const here = await asked(who, { node: 'node-x' });
    const there = await asked(who, { node: 'node-y' });
    expect((await approvals.sweep('node-x', LATER)).map(({ id }) => id)).toEqual([here]);
    expect(await approvals.sweep('node-x', LATER)).toEqual([]);
    expect(await approvals.get(here)).toMatchObject({ status: 'called_off', closedAt: LATER });
    expect(await approvals.get(there)).toMatchObject({ status: 'pending' });
  });

  test('outlive who asked, and the machine', async () => {
    const { approvals, users, machines } = opened.store;
    const who = await somebody();
    const gone = await machines.create(machine({ name: 'gone' }));
    const id = await asked(who, { machineId: gone.id, machineName: 'gone' });
    await users.remove(who.id);
    await machines.remove(gone.id);
    expect(await approvals.get(id)).toMatchObject({
      ...{ userId: null, userName: who.name, machineId: null, machineName: 'gone' },
    });
  });

  test('a grant says who approves, and they cannot be removed meanwhile', async () => {
    const { grants, groups, users } = opened.store;
    const [who, boss] = [await somebody(), await somebody()];
    const ends = { to: { userId: who.id }, on: { machineId: web1.id } };
    const byGroup = await grants.create(grant({ ...ends, approval: { groupId: leads.id } }));
    const byUser = await grants.create(grant({ ...ends, approval: { userId: boss.id } }));
    expect(await grants.get(byGroup.id)).toMatchObject({ approval: { groupId: leads.id } });
    expect(await grants.get(byUser.id)).toMatchObject({ approval: { userId: boss.id } });
    const inUse = { code: 'thing.in_use' };
    await expect(users.remove(boss.id)).rejects.toMatchObject(inUse);
    await expect(groups.remove(leads.id)).rejects.toMatchObject(inUse);
    const nobody = grants.create(grant({ ...ends, approval: { groupId: 999_999 } }));
    await expect(nobody).rejects.toMatchObject({ code: 'thing.not_found' });
    await grants.remove(byUser.id);
    expect(await users.remove(boss.id)).toBe(true);
  });
});
