import { expect, test } from 'vitest';
import { onBothDatabases, testStore } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { machine, session, user } from './examples.ts';

onBothDatabases('the list of nodes', (kind) => {
  test('gives a name to one process at a time, until its signs are old', async () => {
    await using opened = await testStore(kind);
    const { nodes } = opened.store;
    expect(await nodes.claim('a', 'one')).toBe(true);
    expect(await nodes.claim('a', 'one')).toBe(true);
    expect(await nodes.claim('a', 'two')).toBe(false);
    expect(await nodes.beat('a', 'two')).toBe(false);
    expect(await nodes.beat('a', 'one')).toBe(true);
    await eventually('the name is free', () => nodes.claim('a', 'two'));
    expect(await nodes.beat('a', 'one')).toBe(false);
    await nodes.leave('a', 'one');
    expect(await nodes.beat('a', 'two')).toBe(true);
    await nodes.leave('a', 'two');
    expect(await nodes.signs()).toEqual(new Map());
  });

  test('tells the last sign of each, and of those that have sessions and never gave one', async () => {
    await using opened = await testStore(kind);
    const { nodes, sessions, users, machines } = opened.store;
    await nodes.claim('a', 'one');
    const before = (await nodes.signs()).get('a');
    await nodes.beat('a', 'one');
    expect((await nodes.signs()).get('a')).toBeGreaterThan(before ?? Number.NaN);
    const { id: userId } = await users.create(user({ name: 'ada' }));
    const { id: machineId } = await machines.create(machine({ name: 'web1' }));
    const held = await sessions.create(session({ userId, machineId, node: 'silent' }));
    await sessions.create(session({ userId, machineId, node: 'a' }));
    expect([...(await nodes.signs()).keys()].sort()).toEqual(['a', 'silent']);
    expect((await nodes.signs()).get('silent')).toBe(null);
    const end = { endedAt: new Date(), bytesIn: 0, bytesOut: 0 };
    expect(await sessions.endedOf([held.id])).toEqual([]);
    await sessions.end(held.id, { ...end, reason: 'client_closed' });
    expect(await sessions.endedOf([held.id, 4711])).toEqual([held.id]);
    expect([...(await nodes.signs()).keys()]).toEqual(['a']);
  });

  test('buries a node at the sign that was seen, and not after another', async () => {
    await using opened = await testStore(kind);
    const { nodes } = opened.store;
    await nodes.claim('a', 'one');
    const sign = (await nodes.signs()).get('a') ?? null;
    await nodes.beat('a', 'one');
    expect(await nodes.bury('a', sign)).toBe(false);
    expect(await nodes.bury('a', null)).toBe(false);
    expect(await nodes.bury('a', (await nodes.signs()).get('a') ?? null)).toBe(true);
    expect(await nodes.beat('a', 'one')).toBe(false);
    expect(await nodes.bury('a', null)).toBe(true);
  });
});
