import { afterAll, beforeAll, expect, test } from 'vitest';
import { Access } from '../../src/control/access.ts';
import type { AccessLevel } from '../../src/domain/access-level.ts';
import type { RouteAnswer, SignedIn } from '../../src/domain/control-plane.ts';
import { grant, machine, session, user } from '../store/examples.ts';
import { type ControlStage, FACTS, openControlStage } from './stage.ts';

let stage: ControlStage;
let next = 0;
beforeAll(async () => {
  stage = await openControlStage();
  const { machines } = stage.at.store;
  await machines.create(machine({ name: 'web1', tags: { env: 'prod' } }));
  await machines.create(machine({ name: 'web2', tags: { env: 'prod' } }));
  await machines.create(machine({ name: 'db1', login: 'postgres' }));
  await machines.create(machine({ name: 'box', kind: 'kubernetes', login: 'container' }));
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

async function somebody(...names: readonly string[]): Promise<SignedIn> {
  next += 1;
  const { users, machines, grants } = stage.at.store;
  const made = await users.create(user({ name: `user${next}` }));
  for (const name of names) {
    const found = await machines.getByName(name);
    if (found === null) throw new Error(name);
    await grants.create(grant({ to: { userId: made.id }, on: { machineId: found.id } }));
  }
  return { userId: made.id, userName: made.name, proof: null };
}

function ask(who: SignedIn, name: string | null, login: string | null = null) {
  return stage.plane.authorize(who, { machine: name, login }, FACTS);
}

function told(answer: RouteAnswer): unknown {
  return answer.outcome === 'allowed'
    ? `${answer.route.login}@${answer.route.machine.name}`
    : [answer.code, answer.params];
}

test('deny by default, in the same words for a machine that is not there', async () => {
  const who = await somebody();
  expect(told(await ask(who, 'web1'))).toEqual(['access.unknown_machine', { machine: 'web1' }]);
  expect(told(await ask(who, 'web9'))).toEqual(['access.unknown_machine', { machine: 'web9' }]);
  expect(told(await ask(who, null))).toEqual(['access.nothing', {}]);
});

test('who may reach one machine need not name it', async () => {
  expect(told(await ask(await somebody('db1'), null))).toBe('postgres@db1');
});

test('lists what a user may reach, with when they last did', async () => {
  const who = await somebody('web2', 'db1', 'box');
  const { machines, grants, sessions } = stage.at.store;
  const high = await machines.create(machine({ name: 'high', port: 2022, tags: { team: 'a' } }));
  await grants.create(grant({ to: { userId: who.userId }, on: { machineId: high.id } }));
  const gone = await machines.getByName('web1');
  await grants.create(
    grant({ to: { userId: who.userId }, on: { machineId: gone?.id ?? 0 }, until: new Date(1) }),
  );
  const at = (day: number) => new Date(Date.UTC(2026, 0, day));
  for (const day of [3, 9, 4]) {
    const { userId } = who;
    await sessions.create(session({ userId, machineId: high.id, startedAt: at(day) }));
  }
  expect(await stage.plane.reachable(who, FACTS)).toEqual([
    { name: 'box', address: 'box.example.org', tags: {}, lastUsedAt: null },
    { name: 'db1', address: 'db1.example.org', tags: {}, lastUsedAt: null },
    { name: 'high', address: 'high.example.org:2022', tags: { team: 'a' }, lastUsedAt: at(9) },
    { name: 'web2', address: 'web2.example.org', tags: { env: 'prod' }, lastUsedAt: null },
  ]);
  expect(await stage.plane.reachable(await somebody(), FACTS)).toEqual([]);
  expect(await stage.plane.reachable({ userId: 0, userName: 'ghost', proof: null }, FACTS)).toEqual(
    [],
  );
});

test('who may reach several is told which', async () => {
  const who = await somebody('web2', 'web1');
  expect(told(await ask(who, null))).toEqual([
    'access.no_machine',
    { user: who.userName, machines: 'web1, web2' },
  ]);
});

test('grants to groups and on tags count, until the user leaves the group', async () => {
  const who = await somebody();
  const { groups, grants } = stage.at.store;
  const group = await groups.create('ops', [who.userId]);
  const on = { tag: { key: 'env', value: 'prod' } };
  await grants.create(grant({ to: { groupId: group.id }, on, logins: ['root'] }));
  expect(told(await ask(who, 'web2', 'root'))).toBe('root@web2');
  expect(told(await ask(who, 'db1', 'root'))).toEqual([
    'access.unknown_machine',
    { machine: 'db1' },
  ]);
  await groups.setMembers(group.id, []);
  expect(told(await ask(who, 'web2', 'root'))).toMatchObject(['access.unknown_machine', {}]);
});

test('a user who was disabled or removed since signing in reaches nothing', async () => {
  const who = await somebody('web1');
  await stage.at.store.users.update(who.userId, { disabled: true });
  expect(told(await ask(who, 'web1'))).toEqual(['access.nothing', {}]);
  await stage.at.store.users.remove(who.userId);
  expect(told(await ask(who, 'web1'))).toEqual(['access.nothing', {}]);
});

test('a pod has one login, whatever a grant names', async () => {
  const { machines, grants } = stage.at.store;
  const who = await somebody('box');
  expect(await ask(who, 'box')).toMatchObject({ outcome: 'allowed' });
  const box = await machines.getByName('box');
  const on = { machineId: box?.id ?? 0 };
  await grants.create(grant({ to: { userId: who.userId }, on, logins: ['root'] }));
  expect(told(await ask(who, 'box', 'root'))).toMatchObject(['access.login', { login: 'root' }]);
});

test('each refusal is noted with its code and what was asked for, an answer is not', async () => {
  const who = await somebody('web1');
  await ask(who, 'web1');
  await ask(who, 'web1', 'root');
  const all = await stage.events('access.denied', 1);
  const mine = all.filter(({ userId }) => userId === who.userId);
  expect(mine.map(({ detail, source }) => [detail, source])).toEqual([
    [{ code: 'access.login', machine: 'web1', login: 'root' }, '192.0.2.7'],
  ]);
});

test('a machine that may be seen alone is refused in words, and in no menu', async () => {
  const who = await somebody('db1');
  const { machines, grants } = stage.at.store;
  const web1 = await machines.getByName('web1');
  const machineId = web1?.id ?? 0;
  await grants.setLevels(who.userId, [{ machineId, level: 'read_only' }]);
  const refused = ['access.read_only', { machine: 'web1' }];
  expect(told(await ask(who, 'web1'))).toEqual(refused);
  expect(told(await ask(who, 'web1', 'root'))).toEqual(refused);
  // The only one that may be entered need not be named.
  expect(told(await ask(who, null))).toBe('postgres@db1');
  const reachable = await stage.plane.reachable(who, FACTS);
  expect(reachable.map(({ name }) => name)).toEqual(['db1']);
  const wanted = { host: 'web1', port: 22 };
  expect(await stage.plane.jump(who, wanted, FACTS)).toMatchObject({ machine: 'web1' });
  await grants.setLevels(who.userId, [{ machineId, level: 'connect_only' }]);
  expect(told(await ask(who, 'web1'))).toBe('deploy@web1');
});

test('a session loses a machine that its user may only see from now on', async () => {
  const who = await somebody();
  const { machines, grants } = stage.at.store;
  const web1 = await machines.getByName('web1');
  const machine = { id: web1?.id ?? 0, name: 'web1' };
  const levels = (level: AccessLevel) =>
    grants.setLevels(who.userId, [{ machineId: machine.id, level }]);
  const held = { user: who, machine, login: 'deploy', approval: null, facts: FACTS };
  const access = new Access(stage.at.store);
  await levels('full');
  expect(await access.again([held])).toMatchObject([
    { route: { terms: [{ allow: ['shell', 'exec', 'sftp'] }] } },
  ]);
  await levels('connect_only');
  expect(await access.again([held])).toMatchObject([{ route: { terms: [{ allow: ['shell'] }] } }]);
  await levels('read_only');
  expect(await access.again([held])).toMatchObject([{ code: 'access.revoked' }]);
});
