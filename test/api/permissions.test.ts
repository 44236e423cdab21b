import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Machine } from '../../src/domain/machine.ts';
import type { User } from '../../src/domain/user.ts';
import * as example from '../store/examples.ts';
import { addMachine, addUser, call, openStage, type Stage, tokenFor } from './stage.ts';

/** Levels of access to machines, given to users over the API. */

let stage: Stage;
let admin: string;
let made = 0;

beforeAll(async () => {
  stage = await openStage();
  admin = await tokenFor(stage, null, ['admin']);
});

afterAll(() => stage.close());

const name = (): string => {
  made += 1;
  return `n${Date.now()}x${made}`;
};
const person = (): Promise<User> => addUser(stage, name());
const machine = (): Promise<Machine> => addMachine(stage, name());
const idOf = ({ id }: Machine): string => `mch_${id}`;

const ask = (method: string, path: string, body?: unknown, token = admin) =>
  call(stage, method, path, { token, ...(body === undefined ? {} : { body }) });

const give = (user: User, machine_access: unknown, token = admin) =>
  ask('PUT', `/v1/users/${user.id}/permissions`, { machine_access }, token);

const level = (machine: Machine, access_level: string) => ({
  machine_id: idOf(machine),
  access_level,
});

const shown = (machine: Machine, access_level: string) => ({
  ...level(machine, access_level),
  name: machine.name,
});

const reachOf = async ({ id }: User) =>
  (await ask('GET', `/v1/users/${id}`)).body.data.machine_access;

const grantsTo = async ({ id }: User) =>
  (await ask('GET', `/v1/grants?user_id=${id}&limit=100`)).body.data.grants;

async function eventsAbout({ id }: User) {
  const path = `/v1/audit?type=user.permissions_changed&user_id=${id}`;
  return (await ask('GET', path)).body.data.events;
}

describe('levels', () => {
  test('are given, answered and shown, and are grants that say so', async () => {
    const [user, a, b, c] = [await person(), await machine(), await machine(), await machine()];
    const all = [level(a, 'full'), level(b, 'connect_only'), level(c, 'read_only')];
    const { status, body } = await give(user, all);
    expect([status, body.data]).toEqual([200, expect.objectContaining({ name: user.name })]);
    const reach = [shown(a, 'full'), shown(b, 'connect_only'), shown(c, 'read_only')];
    expect(body.data.machine_access).toEqual(reach);
    expect(await reachOf(user)).toEqual(reach);
    const grants = await grantsTo(user);
    const terms = grants.map((one: Record<string, unknown>) => [one['level'], one['allow']]);
    expect(terms.toReversed()).toEqual([
      ['full', ['shell', 'exec', 'sftp']],
      ['connect_only', ['shell']],
      ['read_only', []],
    ]);
  });

  test('replace those given before, and leave alone what was granted otherwise', async () => {
    const [user, a, b, c] = [await person(), await machine(), await machine(), await machine()];
    const to = { userId: user.id };
    const hand = await stage.store.grants.create(example.grant({ to, on: { machineId: a.id } }));
    const group = await stage.store.groups.create(name(), [user.id], null);
    await stage.store.grants.create(
      example.grant({ to: { groupId: group.id }, on: { machineId: c.id }, allow: ['download'] }),
    );
    await give(user, [level(a, 'full'), level(b, 'connect_only'), level(c, 'read_only')]);
    expect(await reachOf(user)).toEqual([
      shown(a, 'full'),
      shown(b, 'connect_only'),
      shown(c, 'full'),
    ]);
    const before = await grantsTo(user);
    await give(user, [level(b, 'connect_only')]);
    expect(await reachOf(user)).toEqual([
      shown(a, 'connect_only'),
      shown(b, 'connect_only'),
      shown(c, 'full'),
    ]);
    const after = await grantsTo(user);
    // What was not changed is the same grant.
    expect(before).toEqual(expect.arrayContaining(after));
    expect(after).toHaveLength(2);
    await give(user, []);
    expect((await grantsTo(user)).map(({ id }: { id: string }) => id)).toEqual([`grt_${hand.id}`]);
  });

  test('are one event, with what was given before and what is now', async () => {
    const [user, a, b] = [await person(), await machine(), await machine()];
    await give(user, [level(a, 'full')]);
    await give(user, [level(a, 'read_only'), level(b, 'full')]);
    const [event, first, ...more] = await eventsAbout(user);
    expect(more).toEqual([]);
    expect(first.before).toEqual({ machine_access: [] });
    expect(event).toMatchObject({
      ...{ actor: 't', source: '192.0.2.1', user_id: `usr_${user.id}` },
      detail: { name: user.name, machines: 2 },
      before: { machine_access: [level(a, 'full')] },
      after: { machine_access: [level(a, 'read_only'), level(b, 'full')] },
    });
  });

  test('of two calls at once are those of one of them', async () => {
    const [user, a, b] = [await person(), await machine(), await machine()];
    const [one, two] = [[level(a, 'full')], [level(a, 'connect_only'), level(b, 'read_only')]];
    const answers = await Promise.all([give(user, one), give(user, two)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect([[shown(a, 'full')], [shown(a, 'connect_only'), shown(b, 'read_only')]]).toContainEqual(
      await reachOf(user),
    );
  });

  test('that let a machine be seen alone let it be seen in lists', async () => {
    const [user, a, b] = [await person(), await machine(), await machine()];
    await give(user, [level(a, 'read_only')]);
    const token = await tokenFor(stage, user, ['machines:read']);
    const listed = await ask('GET', '/v1/machines', undefined, token);
    expect(listed.body.data.machines.map(({ id }: { id: string }) => id)).toEqual([idOf(a)]);
    expect((await ask('GET', `/v1/machines/${idOf(a)}`, undefined, token)).status).toBe(200);
    expect((await ask('GET', `/v1/machines/${idOf(b)}`, undefined, token)).status).toBe(404);
  });
});

describe('a wish for levels', () => {
  const fieldsOf = ({ error }: { error: { details?: { field: string }[] } }) =>
    error.details?.map(({ field }) => field);

  test.each([
    ['no list', 'full', 'machine_access'],
    ['a level that there is not', [{ machine_id: '1', access_level: 'root' }], 'access_level'],
    ['no level', [{ machine_id: '1' }], 'access_level'],
    ['what is no id', [{ machine_id: 'web1', access_level: 'full' }], 'machine_id'],
    ['an id of another kind', [{ machine_id: 'usr_1', access_level: 'full' }], 'machine_id'],
    ['another field', [{ machine_id: '1', access_level: 'full', until: null }], 'until'],
  ])('with %s is refused', async (_what, list, field) => {
    const { status, body } = await give(await person(), list);
    const path = field === 'machine_access' ? field : `machine_access[0].${field}`;
    expect([status, fieldsOf(body)]).toEqual([400, [path]]);
  });

  test('with a machine twice, one that is not there or too many is refused and changes nothing', async () => {
    const [user, a] = [await person(), await machine()];
    await give(user, [level(a, 'connect_only')]);
    const nowhere = { machine_id: 'mch_999999', access_level: 'full' };
    const many = Array.from({ length: 1001 }, (_, at) => ({ ...nowhere, machine_id: `${at + 1}` }));
    const tries = [
      [[level(a, 'full'), level(a, 'read_only')], 'machine_access[1].machine_id'],
      [[level(a, 'full'), nowhere], 'machine_access[1].machine_id'],
      [many, 'machine_access'],
    ] as const;
    for (const [list, field] of tries) {
      const { status, body } = await give(user, list);
      expect([status, fieldsOf(body)]).toEqual([400, [field]]);
    }
    const missing = await ask('PUT', `/v1/users/${user.id}/permissions`, {});
    expect([missing.status, fieldsOf(missing.body)]).toEqual([400, ['machine_access']]);
    expect(await reachOf(user)).toEqual([shown(a, 'connect_only')]);
    expect(await eventsAbout(user)).toHaveLength(1);
  });

  test('is for admins, and for a user who is there', async () => {
    const user = await person();
    const boss = await addUser(stage, name(), 'admin');
    const token = await tokenFor(stage, boss, ['users:write', 'machines:write']);
    expect((await give(user, [], token)).status).toBe(403);
    expect((await give({ ...user, id: 999_999 }, [])).status).toBe(404);
  });
});
