import { afterAll, beforeAll, expect, test } from 'vitest';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { grant, key, machine, user } from './examples.ts';

onBothDatabases('users and groups', (kind) => {
  let opened: TestStore;
  beforeAll(async () => {
    opened = await testStore(kind);
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  test('a user comes back as it went in, without the hash', async () => {
    const { users } = opened.store;
    const made = await users.create(
      user({ name: 'ada', email: 'ada@example.org', role: 'admin', passwordHash: 'scrypt$x' }),
    );
    expect(made).toMatchObject({
      name: 'ada',
      email: 'ada@example.org',
      role: 'admin',
      disabled: false,
      hasPassword: true,
    });
    expect(made.createdAt).toBeInstanceOf(Date);
    expect(Number.isInteger(made.id)).toBe(true);
    expect(JSON.stringify(made)).not.toContain('scrypt');
    expect(await users.get(made.id)).toEqual(made);
    expect(await users.getByName('ada')).toEqual(made);
    expect(await users.passwordHash(made.id)).toBe('scrypt$x');
  });

  test('what is not there is null, false or nothing', async () => {
    const { users, groups } = opened.store;
    expect(await users.get(999_999)).toBeNull();
    expect(await users.getByName('nobody')).toBeNull();
    expect(await users.update(999_999, { disabled: true })).toBeNull();
    expect(await users.remove(999_999)).toBe(false);
    expect(await users.passwordHash(999_999)).toBeNull();
    expect(await users.keys(999_999)).toEqual([]);
    await users.keyUsed(999_999, new Date());
    expect(await groups.get(999_999)).toBeNull();
    expect(await groups.remove(999_999)).toBe(false);
    expect(await groups.setMembers(999_999, [])).toBeNull();
    await expect(users.addKey(999_999, key('none'))).rejects.toMatchObject({
      code: 'thing.not_found',
    });
  });

  test('a name is taken once, in creating and in renaming', async () => {
    const { users } = opened.store;
    await users.create(user({ name: 'bob' }));
    const eve = await users.create(user({ name: 'eve' }));
    const taken = { code: 'thing.exists', message: 'there is a user named bob already' };
    await expect(users.create(user({ name: 'bob' }))).rejects.toMatchObject(taken);
    await expect(users.update(eve.id, { name: 'bob' })).rejects.toMatchObject(taken);
    expect((await users.get(eve.id))?.name).toBe('eve');
  });

  test('an update changes what it names and nothing else', async () => {
    const { users } = opened.store;
    const made = await users.create(user({ name: 'carol', email: 'c@example.org' }));
    const changed = await users.update(made.id, { disabled: true, email: null });
    expect(changed).toMatchObject({
      ...made,
      disabled: true,
      email: null,
      updatedAt: expect.any(Date),
    });
    expect(await users.update(made.id, { passwordHash: 'h' })).toMatchObject({ hasPassword: true });
    expect(await users.update(made.id, { passwordHash: null })).toMatchObject({
      hasPassword: false,
      disabled: true,
    });
  });

  test('a search takes percent, underscore and backslash as they are', async () => {
    const { users } = opened.store;
    const names = ['per%cent', 'per_cent', 'per\\cent', 'percent'];
    for (const name of names) await users.create(user({ name, email: `${name}@LIKE.example` }));
    const found = async (search: string) =>
      (await users.list({ search }, { limit: 100 })).rows.map((row) => row.name);
    expect(await found('r%c')).toEqual(['per%cent']);
    expect(await found('r_c')).toEqual(['per_cent']);
    expect(await found('r\\c')).toEqual(['per\\cent']);
    expect(await found('PERCENT@like')).toEqual(['percent']);
    expect(await found("'; drop table users; --")).toEqual([]);
  });

  test('a list is filtered by role', async () => {
    const { users } = opened.store;
    const viewer = await users.create(user({ name: 'viewer', role: 'viewer' }));
    const { rows, total } = await users.list({ role: 'viewer' }, { limit: 10, page: 1 });
    expect(rows).toEqual([viewer]);
    expect(total).toBe(1);
  });

  test('keys are added once, used and removed by their owner alone', async () => {
    const { users } = opened.store;
    const [dan, fay] = [
      await users.create(user({ name: 'dan' })),
      await users.create(user({ name: 'fay' })),
    ];
    const made = await users.addKey(dan.id, key('laptop'));
    expect(made).toMatchObject({ userId: dan.id, ...key('laptop'), lastUsedAt: null });
    await expect(users.addKey(dan.id, key('laptop'))).rejects.toMatchObject({
      code: 'thing.exists',
    });
    await users.addKey(fay.id, key('laptop'));
    const at = new Date('2026-01-02T03:04:05.678Z');
    await users.keyUsed(made.id, at);
    expect((await users.keys(dan.id))[0]?.lastUsedAt).toEqual(at);
    expect(await users.removeKey(fay.id, made.id)).toBeNull();
    expect(await users.removeKey(dan.id, made.id)).toMatchObject({ id: made.id, userId: dan.id });
    expect(await users.keys(dan.id)).toEqual([]);
  });

  test('groups hold members, each once', async () => {
    const { users, groups } = opened.store;
    const [gil, hal] = [
      await users.create(user({ name: 'gil' })),
      await users.create(user({ name: 'hal' })),
    ];
    const ops = await groups.create('ops', [gil.id, hal.id, gil.id]);
    expect(ops.members).toEqual([gil.id, hal.id]);
    expect(await groups.getByName('ops')).toEqual(ops);
    expect(await groups.ofUser(hal.id)).toEqual([ops.id]);
    expect((await groups.setMembers(ops.id, [hal.id]))?.members).toEqual([hal.id]);
    expect(await groups.ofUser(gil.id)).toEqual([]);
    expect((await groups.list({ limit: 5, page: 1 })).rows).toEqual([await groups.get(ops.id)]);
    await expect(groups.create('ops', [])).rejects.toMatchObject({ code: 'thing.exists' });
  });

  test('a group with an unknown member is not made at all', async () => {
    const { groups } = opened.store;
    await expect(groups.create('ghosts', [424_242])).rejects.toMatchObject({
      code: 'thing.not_found',
      message: 'no user 424242',
    });
    expect(await groups.getByName('ghosts')).toBeNull();
  });

  test('a group that a grant names stays', async () => {
    const { groups, machines, grants } = opened.store;
    const group = await groups.create('leads', []);
    const on = await machines.create(machine({ name: 'for-leads' }));
    const made = await grants.create(
      grant({ to: { groupId: group.id }, on: { machineId: on.id } }),
    );
    await expect(groups.remove(group.id)).rejects.toMatchObject({ code: 'thing.in_use' });
    await grants.remove(made.id);
    expect(await groups.remove(group.id)).toBe(true);
  });

  test('a removed user takes keys, memberships, grants and tokens along', async () => {
    const { users, groups, grants, tokens } = opened.store;
    const gone = await users.create(user({ name: 'gone' }));
    await users.addKey(gone.id, key('gone'));
    const group = await groups.create('with-gone', [gone.id]);
    await grants.create(
      grant({ to: { userId: gone.id }, on: { tag: { key: 'env', value: 'test' } } }),
    );
    await tokens.create({
      userId: gone.id,
      kind: 'api',
      name: 't',
      scopes: [],
      expiresAt: null,
      hash: 'gone-hash',
    });
    expect(await users.remove(gone.id)).toBe(true);
    expect(await users.get(gone.id)).toBeNull();
    expect(await users.keys(gone.id)).toEqual([]);
    expect((await groups.get(group.id))?.members).toEqual([]);
    expect(await grants.forUser(gone.id, [])).toEqual([]);
    expect(await tokens.getByHash('gone-hash', new Date())).toBeNull();
  });
});
