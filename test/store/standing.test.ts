import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { onBothDatabases, testStore } from '../support/database.ts';
import { grant, key, machine, user } from './examples.ts';

onBothDatabases('what access rests on', (kind) => {
  test('is read for many at once, and as the stores have it', async () => {
    await using opened = await testStore(kind);
    const { users, groups, machines, grants, standing } = opened.store;
    const ada = await users.create(user({ name: 'ada', passwordHash: 'scrypt$one' }));
    const bob = await users.create(user({ name: 'bob', passwordHash: null }));
    await users.update(bob.id, { disabled: true });
    const adaKey = await users.addKey(ada.id, key('ada'));
    const group = await groups.create('ops', [ada.id]);
    const web = await machines.create(machine({ name: 'web', tags: { env: 'prod' } }));
    await machines.connected(web.id, new Date('2026-01-02T03:04:05.678Z'));
    const on = { machineId: web.id };
    const mine = await grants.create(
      grant({ to: { userId: ada.id }, on, until: new Date('2030-01-01T00:00:00.001Z') }),
    );
    const ours = await grants.create(grant({ to: { groupId: group.id }, on }));
    const other = await grants.create(grant({ to: { userId: bob.id }, on }));
    const found = await standing.of([ada.id, bob.id, 4711], [web.id, 4711]);
    const stamp = createHash('sha256').update('scrypt$one').digest('hex');
    expect([...found.accounts].sort((a, b) => a.userId - b.userId)).toEqual([
      {
        userId: ada.id,
        disabled: false,
        groups: [group.id],
        keyIds: [adaKey.id],
        passwordStamp: stamp,
      },
      { userId: bob.id, disabled: true, groups: [], keyIds: [], passwordStamp: null },
    ]);
    expect(found.grants).toEqual([mine, ours, other]);
    expect(found.machines).toEqual([await machines.get(web.id)]);
    expect(JSON.stringify(found)).not.toContain('scrypt$one');
    const alone = await standing.of([ada.id], []);
    expect(alone.grants).toEqual([mine, ours]);
    expect(alone.machines).toEqual([]);
    expect(await standing.of([], [])).toEqual({ accounts: [], grants: [], machines: [] });
  });
});
