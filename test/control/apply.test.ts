import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { StoreSetupApplier } from '../../src/control/apply.ts';
import { ScryptPasswords } from '../../src/control/password.ts';
import { parsePublicKey } from '../../src/control/public-key.ts';
import { PosternError } from '../../src/domain/errors.ts';
import { Secret } from '../../src/domain/secret.ts';
import type {
  Setup,
  SetupChange,
  SetupGrant,
  SetupMachine,
  SetupUser,
} from '../../src/domain/setup.ts';
import type { Store } from '../../src/domain/store.ts';
import type { NewUserKey } from '../../src/domain/user.ts';
import { createLogger } from '../../src/log/logger.ts';
import { openStore } from '../../src/store/database.ts';
import { scratch } from '../support/scratch.ts';

const dir = scratch();
const passwords = new ScryptPasswords();
let store: Store;
let applier: StoreSetupApplier;

beforeAll(async () => {
  store = await openStore({
    databaseUrl: null,
    dataDir: dir.path,
    secretKey: Buffer.alloc(32, 7),
    migrate: true,
    log: createLogger({ level: 'error', format: 'json', stream: process.stderr }),
  });
  applier = new StoreSetupApplier({ store, passwords });
}, 60_000);

afterAll(async () => {
  await store.close();
  dir[Symbol.dispose]();
});

const page = { limit: 100 };

beforeEach(async () => {
  for (const { id } of (await store.grants.list({}, page)).rows) await store.grants.remove(id);
  for (const { id } of (await store.groups.list(page)).rows) await store.groups.remove(id);
  for (const { id } of (await store.machines.list({}, page)).rows) await store.machines.remove(id);
  for (const { id } of (await store.users.list({}, page)).rows) await store.users.remove(id);
});

function key(fill: number, comment = ''): NewUserKey {
  const head = Buffer.from('0000000b7373682d6564323535313900000020', 'hex');
  const blob = Buffer.concat([head, Buffer.alloc(32, fill)]).toString('base64');
  const read = parsePublicKey(`ssh-ed25519 ${blob} ${comment}`);
  if ('problem' in read) throw new Error(read.problem);
  return read;
}

const alice: SetupUser = {
  name: 'alice',
  email: 'alice@example.com',
  role: 'admin',
  keys: [key(1, 'laptop')],
  password: 'correct horse',
};
const bob: SetupUser = { name: 'bob', email: null, role: 'member', keys: [], password: null };
const web1: SetupMachine = {
  name: 'web1',
  kind: 'ssh',
  host: '10.0.0.5',
  port: 22,
  login: 'deploy',
  credential: { type: 'password', password: new Secret('s3cret') },
  hostKey: null,
  hostKeyPolicy: 'accept-new',
  recording: 'required',
  tags: { env: 'prod', team: 'a' },
  description: '',
};
const grant: SetupGrant = {
  to: { group: 'ops' },
  on: { machine: 'web1' },
  logins: ['deploy', 'root'],
  allow: ['shell', 'exec'],
  forwardTo: [],
  fromNetworks: ['10.0.0.0/8'],
  until: new Date('2027-01-01T00:00:00Z'),
  maxSession: 28_800,
  ...{ idleTimeout: null, approval: null },
};
const whole: Setup = {
  users: [alice, bob],
  groups: [{ name: 'ops', members: ['alice', 'bob'] }],
  machines: [web1],
  grants: [grant],
};
const nothing: Setup = { users: [], groups: [], machines: [], grants: [] };

function apply(
  setup: Setup,
  options: { dryRun?: boolean; prune?: boolean } = {},
): Promise<readonly SetupChange[]> {
  return applier.apply(setup, {
    dryRun: options.dryRun ?? false,
    prune: options.prune ?? false,
    actor: 'tester',
    source: '192.0.2.7',
  });
}

/** `create user alice`, `update machine web1 (host)`. */
function written(changes: readonly SetupChange[]): string[] {
  return changes.map(
    ({ action, kind, name, fields }) =>
      `${action} ${kind} ${name}${fields.length > 0 ? ` [${fields.join(' ')}]` : ''}`,
  );
}

async function problemsOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return 'no problem';
  } catch (error) {
    return error instanceof PosternError ? error.problems : error;
  }
}

describe('applying a setup', () => {
  test('makes all that it says, and nothing the second time', async () => {
    expect(written(await apply(whole))).toEqual([
      'create user alice',
      `create key alice ${alice.keys[0]?.fingerprint} laptop`,
      'create user bob',
      'create machine web1',
      'create group ops',
      'create grant group ops on machine web1 (shell, exec)',
    ]);
    expect(await apply(whole)).toEqual([]);
    expect(await apply(whole, { prune: true })).toEqual([]);

    const user = await store.users.getByName('alice');
    const hash = await store.users.passwordHash(user?.id ?? 0);
    expect(await passwords.verify('correct horse', hash)).toBe(true);
    const machine = await store.machines.getByName('web1');
    expect(await store.machines.credential(machine?.id ?? 0)).toEqual(web1.credential);
    const [stored] = (await store.grants.list({}, page)).rows;
    expect(stored).toMatchObject({
      on: { machineId: machine?.id },
      until: new Date('2027-01-01T00:00:00Z'),
      maxSession: 28_800,
      fromNetworks: ['10.0.0.0/8'],
    });
  });

  test('changes the fields that differ, and names them', async () => {
    await apply(whole);
    const changed: Setup = {
      ...whole,
      users: [
        { ...alice, email: null, password: 'another horse' },
        { ...bob, role: 'viewer' },
      ],
      groups: [{ name: 'ops', members: ['bob'], retention: 86_400 }],
      machines: [
        {
          ...web1,
          host: '10.0.0.6',
          tags: { team: 'a', env: 'prod' },
          hostKeyPolicy: 'strict',
          credential: { type: 'password', password: new Secret('other') },
        },
      ],
      grants: [{ ...grant, allow: ['shell'], maxSession: 60 }],
    };
    expect(written(await apply(changed))).toEqual([
      'update user alice [email password]',
      'update user bob [role]',
      'update machine web1 [host host_key_policy auth]',
      'update group ops [members retention]',
      'update grant group ops on machine web1 (shell) [allow max_session]',
    ]);
    expect(await apply(changed)).toEqual([]);
    expect((await store.grants.list({}, page)).rows).toHaveLength(1);
  });

  test('leaves a pinned host key and a password that the setup does not speak of', async () => {
    await apply(whole);
    const machine = await store.machines.getByName('web1');
    await store.machines.pinHostKey(machine?.id ?? 0, 'ssh-ed25519 AAAA');
    expect(await apply({ ...whole, users: [{ ...alice, password: null }, bob] })).toEqual([]);
    expect((await store.machines.getByName('web1'))?.hostKey).toBe('ssh-ed25519 AAAA');
    expect(await store.users.getByName('alice')).toMatchObject({ hasPassword: true });
  });

  test('does not mind the order of what is a set, nor the same thing twice', async () => {
    await apply(whole);
    const turned = { ...grant, logins: ['root', 'deploy'], allow: ['exec', 'shell'] } as const;
    const same: Setup = {
      ...whole,
      groups: [{ name: 'ops', members: ['bob', 'alice', 'bob'] }],
      grants: [turned, grant],
    };
    expect(await apply(same, { prune: true })).toEqual([]);
  });

  test('tells in a dry run what it would do, and does nothing', async () => {
    const events = await store.audit.list({}, page);
    const plan = await apply(whole, { dryRun: true });
    expect(plan).toHaveLength(6);
    expect(await store.users.getByName('alice')).toBeNull();
    expect(await store.audit.list({}, page)).toEqual(events);
    expect(await apply(whole)).toEqual(plan);
  });

  test('removes what it lacks with prune alone', async () => {
    await apply({ ...whole, users: [{ ...alice, keys: [key(1), key(2)] }, bob] });
    const less: Setup = { ...nothing, users: [alice] };
    expect(await apply(less)).toEqual([]);
    expect(written(await apply(less, { prune: true }))).toEqual([
      `remove key alice ${key(2).fingerprint}`,
      'remove grant group ops on machine web1 (shell, exec)',
      'remove group ops',
      'remove machine web1',
      'remove user bob',
    ]);
    expect(await apply(less, { prune: true })).toEqual([]);
  });

  test('never removes the last admin, nor the admin token', async () => {
    await store.tokens.create({
      userId: null,
      kind: 'bootstrap',
      name: 'admin-token',
      scopes: ['admin'],
      expiresAt: null,
      hash: 'a'.repeat(64),
    });
    await apply(whole);
    await apply(nothing, { prune: true });
    const left = (await store.users.list({}, page)).rows.map(({ name }) => name);
    expect(left).toEqual(['alice']);
    expect(await store.tokens.getByHash('a'.repeat(64), new Date())).not.toBeNull();
    await store.tokens.revokeNamed('bootstrap', 'admin-token');
  });

  test('names everything that it refers to and that is not there, and changes nothing', async () => {
    const wrong: Setup = {
      ...whole,
      groups: [{ name: 'ops', members: ['alice', 'carol'] }],
      grants: [grant, { ...grant, to: { user: 'dave' }, on: { machine: 'web2' } }],
    };
    expect(await problemsOf(apply(wrong))).toEqual([
      { field: 'groups[0].members[1]', message: 'there is no user carol' },
      { field: 'grants[1].to.user', message: 'there is no user dave' },
      { field: 'grants[1].on.machine', message: 'there is no machine web2' },
    ]);
    expect(await store.users.getByName('alice')).toBeNull();
  });

  test('may refer to what is in the store, unless that would be pruned', async () => {
    await apply(whole);
    const more: Setup = { ...nothing, grants: [{ ...grant, to: { user: 'bob' } }] };
    const pruned = 'is not in the file, so it would be pruned';
    expect(await problemsOf(apply(more, { prune: true }))).toEqual([
      { field: 'grants[0].to.user', message: `user bob ${pruned}` },
      { field: 'grants[0].on.machine', message: `machine web1 ${pruned}` },
    ]);
    expect(written(await apply(more))).toEqual([
      'create grant user bob on machine web1 (shell, exec)',
    ]);
  });

  test('refuses the same name twice', async () => {
    expect(await problemsOf(apply({ ...whole, users: [alice, bob, alice] }))).toEqual([
      { field: 'users[2].name', message: 'alice is there twice' },
    ]);
  });

  test('undoes everything when one thing fails', async () => {
    const long: SetupMachine = { ...web1, name: 'web2', port: 70_000 };
    await expect(apply({ ...whole, machines: [web1, long] })).rejects.toThrow();
    expect(await store.users.getByName('alice')).toBeNull();
    expect(await store.machines.getByName('web1')).toBeNull();
  });

  test('leaves an audit event for each change, without a secret', async () => {
    const before = (await store.audit.list({}, page)).rows[0]?.id ?? 0;
    await apply(whole);
    const events = (await store.audit.list({}, page)).rows.filter(({ id }) => id > before);
    expect(events.map(({ type }) => type).reverse()).toEqual([
      'user.created',
      'key.added',
      'user.created',
      'machine.created',
      'group.created',
      'grant.created',
    ]);
    expect(new Set(events.map(({ actor }) => actor))).toEqual(new Set(['tester']));
    expect(JSON.stringify(events)).not.toMatch(/correct horse|s3cret/);
  });
});
