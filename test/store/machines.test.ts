import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NewMachine } from '../../src/domain/machine.ts';
import { Secret } from '../../src/domain/secret.ts';
import { connect } from '../../src/store/connect.ts';
import { openStore } from '../../src/store/database.ts';
import { Vault } from '../../src/store/vault.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { grant, machine, user } from './examples.ts';
import { SECRET_KEY, silent } from './options.ts';

const LINE = 'ssh-ed25519 AAAAC3Nz';

onBothDatabases('machines and grants', (kind) => {
  let opened: TestStore;
  beforeAll(async () => {
    opened = await testStore(kind);
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  test('a machine comes back as it went in, without its secret', async () => {
    const { machines } = opened.store;
    const wanted = machine({
      name: 'web1',
      tags: { env: 'prod', 'a"b': "c'd" },
      credential: { type: 'password', password: new Secret('hunter2') },
      description: 'front',
    });
    const made = await machines.create(wanted);
    const { credential: _, ...plain } = wanted;
    expect(made).toMatchObject({ ...plain, authType: 'password', lastConnectedAt: null });
    expect(await machines.get(made.id)).toEqual(made);
    expect(await machines.getByName('web1')).toEqual(made);
    expect(JSON.stringify(made)).not.toContain('hunter2');
    await expect(machines.create(machine({ name: 'web1' }))).rejects.toMatchObject({
      message: 'there is a machine named web1 already',
    });
  });

  test('are found as a client names them: by name first, then by address, then by name', async () => {
    const { machines } = opened.store;
    const at = { host: 'Db.example', port: 2022 };
    await machines.create(machine({ name: 'zz-alike', ...at }));
    await machines.create(machine({ name: 'aa-alike', ...at }));
    await machines.create(machine({ name: 'db.example', host: '10.9.9.9', port: 2022 }));
    const names = async (host: string, port: number): Promise<string[]> =>
      (await machines.reachedAs(host, port)).map(({ name }) => name);
    expect(await names('DB.example', 2022)).toEqual(['db.example', 'aa-alike', 'zz-alike']);
    expect(await names('db.example', 22)).toEqual(['db.example']);
    expect(await names('db.example', 80)).toEqual([]);
    expect(await names('10.9.9.9', 2022)).toEqual(['db.example']);
    expect(await names('10.9.9.9', 22)).toEqual([]);
    expect(await names('%', 2022)).toEqual([]);
  });

  test('each kind of credential comes out as it went in, and can be replaced', async () => {
    const { machines } = opened.store;
    const { id } = await machines.create(machine({ name: 'creds' }));
    expect(await machines.credential(id)).toEqual({ type: 'none' });
    const privateKey = '-----BEGIN OPENSSH PRIVATE KEY-----\nAAA\n-----END\n';
    await machines.update(id, { credential: { type: 'key', privateKey: new Secret(privateKey) } });
    const stored = await machines.credential(id);
    expect(stored?.type === 'key' && stored.privateKey.expose()).toBe(privateKey);
    await machines.update(id, { credential: { type: 'password', password: new Secret('pä\0ss') } });
    const changed = await machines.credential(id);
    expect(changed?.type === 'password' && changed.password.expose()).toBe('pä\0ss');
    expect((await machines.get(id))?.authType).toBe('password');
    await machines.update(id, { name: 'creds-renamed' });
    expect((await machines.credential(id))?.type).toBe('password');
    await machines.update(id, { credential: { type: 'bastion_key' } });
    expect(await machines.credential(id)).toEqual({ type: 'bastion_key' });
    expect(await machines.credential(999_999)).toBeNull();
  });

  test('the first host key is pinned, by whichever of many connects first', async () => {
    const { machines } = opened.store;
    const { id } = await machines.create(machine({ name: 'pinned' }));
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((one) => machines.pinHostKey(id, `${LINE}${one}`)),
    );
    expect(new Set(answers).size).toBe(1);
    expect(await machines.pinHostKey(id, 'another')).toBe(answers[0]);
    expect((await machines.update(id, { hostKey: null }))?.hostKey).toBeNull();
    expect(await machines.pinHostKey(id, 'another')).toBe('another');
    expect(await machines.pinHostKey(999_999, LINE)).toBeNull();
  });

  test('a connection is noted, and an older one does not undo it', async () => {
    const { machines } = opened.store;
    const { id } = await machines.create(machine({ name: 'connected' }));
    const [early, late] = [new Date(1_700_000_000_000), new Date(1_700_000_000_001)];
    await machines.connected(id, late);
    await machines.connected(id, early);
    expect((await machines.get(id))?.lastConnectedAt).toEqual(late);
  });

  test('lists filter by tag, words and ids', async () => {
    const { machines } = opened.store;
    const [blue, red] = [
      await machines.create(machine({ name: 'blue', tags: { colour: 'blue' } })),
      await machines.create(machine({ name: 'red', tags: { colour: 'red' }, description: 'a_b' })),
    ];
    const names = async (filter: Parameters<typeof machines.list>[0]) =>
      (await machines.list(filter, { limit: 100 })).rows.map((row) => row.name);
    expect(await names({ tag: { key: 'colour', value: 'red' } })).toEqual(['red']);
    expect(await names({ tag: { key: "colour' or 1=1", value: 'red' } })).toEqual([]);
    expect(await names({ search: 'BLUE.example' })).toEqual(['blue']);
    expect(await names({ search: 'a_b' })).toEqual(['red']);
    expect(await names({ search: 'aXb' })).toEqual([]);
    expect(await names({ ids: [blue.id, red.id] })).toEqual(['red', 'blue']);
    expect(await names({ ids: [] })).toEqual([]);
    expect(await names({ ids: [blue.id], search: 'red' })).toEqual([]);
    const all = (await machines.all()).map((row) => row.name);
    expect(all).toEqual(all.toSorted());
    expect(all).toContain('blue');
  });

  test('grants come back as they went in and are found by all who hold them', async () => {
    const { users, groups, machines, grants } = opened.store;
    const ada = await users.create(user({ name: 'ada' }));
    const ops = await groups.create('ops', [ada.id]);
    const on = await machines.create(machine({ name: 'granted' }));
    const wanted = grant({
      to: { userId: ada.id },
      on: { machineId: on.id },
      logins: ['deploy', 'DOMAIN\\ada', 'a,b "c" {d}'],
      allow: ['shell', 'forward-local'],
      forwardTo: ['127.0.0.1:5432'],
      fromNetworks: ['10.0.0.0/8', '2001:db8::/32'],
      until: new Date('2027-01-01T00:00:00.123Z'),
      maxSession: 28_800,
      idleTimeout: 1800,
    });
    const first = await grants.create(wanted);
    expect(first).toMatchObject(wanted);
    const byTag = grant({ to: { groupId: ops.id }, on: { tag: { key: 'env', value: 'prod' } } });
    const second = await grants.create(byTag);
    expect(second).toMatchObject(byTag);
    expect(await grants.get(first.id)).toEqual(first);
    expect(await grants.forUser(ada.id, [])).toEqual([first]);
    expect(await grants.forUser(ada.id, [ops.id, 999])).toEqual([first, second]);
    expect(await grants.forUser(999_999, [ops.id])).toEqual([second]);
    const listed = async (filter: Parameters<typeof grants.list>[0]) =>
      (await grants.list(filter, { limit: 10, page: 1 })).rows;
    expect(await listed({ userId: ada.id })).toEqual([first]);
    expect(await listed({ groupId: ops.id })).toEqual([second]);
    expect(await listed({ machineId: on.id })).toEqual([first]);
    expect(await listed({})).toEqual([second, first]);
    expect(await machines.remove(on.id)).toBe(true);
    expect(await grants.get(first.id)).toBeNull();
    expect(await grants.remove(second.id)).toBe(true);
    expect(await grants.remove(second.id)).toBe(false);
  });

  test('a grant that refers to nothing names what is missing', async () => {
    const { users, grants } = opened.store;
    const { id } = await users.create(user({ name: 'granted-nothing' }));
    const tag = { tag: { key: 'a', value: 'b' } };
    const refused = (to: { userId: number } | { groupId: number }, on: object) =>
      expect(grants.create(grant({ to, on: { ...tag, ...on } }))).rejects;
    await refused({ userId: 4242 }, {}).toMatchObject({ message: 'no user 4242' });
    await refused({ groupId: 4242 }, {}).toMatchObject({ message: 'no group 4242' });
    await expect(
      grants.create(grant({ to: { userId: id }, on: { machineId: 4242 } })),
    ).rejects.toMatchObject({ message: 'no machine 4242' });
  });

  // The last one here: the embedded database is opened by one at a time.
  test('a row shows nothing of its credential; a wrong key and damage are told apart', async () => {
    const { databaseUrl, dataDir } = opened.place;
    const options = { databaseUrl, dataDir, secretKey: SECRET_KEY, migrate: true, log: silent };
    const sealed = (name: string): NewMachine =>
      machine({ name, credential: { type: 'password', password: new Secret('visible') } });
    const { machines } = opened.store;
    const [one, two] = [await machines.create(sealed('one')), await machines.create(sealed('two'))];
    await opened.store.close();

    const connection = await connect(options);
    try {
      const rows = await connection.db.selectFrom('machines').selectAll().execute();
      expect(rows.find((row) => row.id === one.id)?.credential).toMatch(/^1\./);
      expect(JSON.stringify(rows)).not.toContain('visible');
      await sql`update machines set credential = (select credential from machines
        where id = ${one.id}) where id = ${two.id}`.execute(connection.db);
    } finally {
      await connection.close();
    }

    const again = await openStore(options);
    expect((await again.machines.credential(one.id))?.type).toBe('password');
    await expect(again.machines.credential(two.id)).rejects.toMatchObject({
      code: 'vault.damaged',
      message: expect.stringContaining('machine two'),
    });
    await again.close();

    const other = await openStore({ ...options, secretKey: Buffer.alloc(32, 99) });
    expect((await other.machines.get(one.id))?.authType).toBe('password');
    await expect(other.machines.credential(one.id)).rejects.toMatchObject({
      code: 'vault.other_key',
      message: expect.stringContaining('machine one'),
    });
    await other.close();
  });
});

describe('the vault', () => {
  const vault = new Vault(Buffer.alloc(32, 1));

  test('opens what it sealed, only in its place', () => {
    const sealed = vault.seal('a secret', 'machine 1 key');
    expect(vault.open(sealed, 'machine 1 key')).toEqual({ text: 'a secret' });
    expect(vault.open(sealed, 'machine 2 key')).toEqual({ failed: 'damaged' });
    expect(sealed).not.toContain(Buffer.from('a secret').toString('base64url').slice(0, 8));
  });

  test('never seals the same twice', () => {
    expect(vault.seal('x', 'p')).not.toBe(vault.seal('x', 'p'));
  });

  test('tells another key from damage', () => {
    const sealed = vault.seal('a secret', 'p');
    const other = new Vault(Buffer.alloc(32, 2));
    expect(other.open(sealed, 'p')).toEqual({ failed: 'other_key' });
    const body = sealed.lastIndexOf('.') + 1;
    for (let at = body; at < sealed.length - 1; at++) {
      const flipped = sealed[at] === 'A' ? 'B' : 'A';
      const damaged = sealed.slice(0, at) + flipped + sealed.slice(at + 1);
      expect(vault.open(damaged, 'p'), `at ${at}`).toEqual({ failed: 'damaged' });
    }
    for (const nonsense of ['', '1', '2.a.b', '1..', sealed.slice(0, body + 4)]) {
      expect(vault.open(nonsense, 'p')).toHaveProperty('failed');
    }
  });

  test('wants 32 bytes', () => {
    expect(() => new Vault(Buffer.alloc(16))).toThrow('32 bytes');
  });
});
