import { expect, test } from 'vitest';
import type { MachineLevel } from '../../src/domain/access-level.ts';
import { onBothDatabases, testStore } from '../support/database.ts';
import { grant, machine, user } from './examples.ts';

onBothDatabases('levels given to a user', (kind) => {
  test('are all that was given, beside the grants that were made', async () => {
    await using opened = await testStore(kind);
    const { users, machines, grants, standing } = opened.store;
    const ada = await users.create(user({ name: 'ada' }));
    const bob = await users.create(user({ name: 'bob' }));
    const web = await machines.create(machine({ name: 'web' }));
    const db = await machines.create(machine({ name: 'db' }));
    const hand = await grants.create(grant({ to: { userId: ada.id }, on: { machineId: web.id } }));
    expect(hand.level).toBeNull();

    const first: MachineLevel[] = [
      { machineId: web.id, level: 'full' },
      { machineId: db.id, level: 'connect_only' },
    ];
    expect(await grants.setLevels(ada.id, first)).toEqual({ before: [], after: first });
    await grants.setLevels(bob.id, [{ machineId: db.id, level: 'full' }]);
    const before = await grants.forUser(ada.id, []);
    expect(before.map(({ level }) => level)).toEqual([null, 'full', 'connect_only']);
    expect((await standing.of([ada.id], [], [])).grants).toEqual(before);

    const second: MachineLevel[] = [
      { machineId: web.id, level: 'full' },
      { machineId: db.id, level: 'read_only' },
    ];
    expect(await grants.setLevels(ada.id, second)).toEqual({ before: first, after: second });
    const after = await grants.forUser(ada.id, []);
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after.map(({ level, allow }) => [level, allow])).toEqual([
      [null, ['shell']],
      ['full', ['shell', 'exec', 'sftp']],
      ['read_only', []],
    ]);
    expect(await grants.setLevels(ada.id, [])).toEqual({ before: second, after: [] });
    expect(await grants.forUser(ada.id, [])).toEqual([hand]);
    expect(await grants.forUser(bob.id, [])).toMatchObject([{ level: 'full' }]);
  });

  test('are not of who is not there, nor on what is not, and not of half a transaction', async () => {
    await using opened = await testStore(kind);
    const { users, machines, grants } = opened.store;
    const ada = await users.create(user({ name: 'ada' }));
    const web = await machines.create(machine({ name: 'web' }));
    const onWeb: MachineLevel = { machineId: web.id, level: 'full' };
    expect(await grants.setLevels(4711, [onWeb])).toBeNull();
    const broken = opened.store.transaction(async (stores) => {
      const missing: MachineLevel = { machineId: 4711, level: 'full' };
      expect((await stores.grants.setLevels(ada.id, [onWeb, missing]))?.after).toEqual([onWeb]);
      throw new Error('no');
    });
    await expect(broken).rejects.toThrow('no');
    expect(await grants.forUser(ada.id, [])).toEqual([]);
    await grants.setLevels(ada.id, [onWeb]);
    await machines.remove(web.id);
    expect(await grants.forUser(ada.id, [])).toEqual([]);
  });

  test('of many machines, by many at once, are those of one call', async () => {
    await using opened = await testStore(kind);
    const { users, machines, grants } = opened.store;
    const ada = await users.create(user({ name: 'ada' }));
    const ids: number[] = [];
    for (let at = 0; at < 40; at += 1) {
      ids.push((await machines.create(machine({ name: `web${at}` }))).id);
    }
    const all = (level: MachineLevel['level']) => ids.map((machineId) => ({ machineId, level }));
    const calls = (['full', 'read_only', 'connect_only'] as const).map((level) =>
      opened.store.transaction((stores) => stores.grants.setLevels(ada.id, all(level))),
    );
    await Promise.all(calls);
    const found = await grants.forUser(ada.id, []);
    expect([found.length, new Set(found.map(({ level }) => level)).size]).toEqual([40, 1]);
  });
});
