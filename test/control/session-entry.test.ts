import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AuthorizedRoute } from '../../src/domain/access.ts';
import { LocalChanges } from '../../src/domain/changes.ts';
import type { Gateway, RouteAnswer, SignedIn } from '../../src/domain/control-plane.ts';
import type { Machine } from '../../src/domain/machine.ts';
import type { User } from '../../src/domain/user.ts';
import * as example from '../store/examples.ts';
import { eventually } from '../support/eventually.ts';
import { type ControlStage, FACTS, openControlStage } from './stage.ts';

/** What was taken away between the access decision and the session's beginning. */

let stage: ControlStage;
beforeAll(async () => {
  stage = await openControlStage();
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

/** Of each test alone. */
let user: User;
let bob: SignedIn;
let machine: Machine;
let groupId: number;
beforeEach(async () => {
  const { users, machines, groups } = stage.at.store;
  const name = `bob-${randomUUID()}`;
  user = await users.create(example.user({ name }));
  const { id: keyId } = await users.addKey(user.id, example.key(name));
  bob = { userId: user.id, userName: name, proof: { type: 'publickey', keyId } };
  const group = await groups.create(`g-${name}`, [user.id]);
  groupId = group.id;
  machine = await machines.create(example.machine({ name: `m-${name}`, tags: { team: name } }));
});

function granted(more: Partial<Parameters<typeof example.grant>[0]> = {}) {
  const ends = { to: { userId: user.id }, on: { machineId: machine.id } };
  return stage.at.store.grants.create(example.grant({ ...ends, ...more }));
}

async function decided(who: SignedIn = bob, name: string | null = machine.name) {
  const answer = await stage.plane.authorize(who, { machine: name, login: null }, FACTS);
  if (answer.outcome === 'denied') throw new Error(answer.code);
  return answer.route;
}

const open = (route: AuthorizedRoute, who: SignedIn = bob) =>
  stage.plane.openSession(who, route, 'shell', FACTS);

/** No session is left of it, and the audit has why. */
async function isRefused(opening: Promise<unknown>, code: string): Promise<void> {
  await expect(opening).rejects.toMatchObject({ code });
  const { sessions, audit } = stage.at.store;
  const { rows } = await sessions.list({ statuses: null, userId: user.id }, { limit: 10 });
  expect(rows).toEqual([]);
  await eventually('it is in the audit', async () => {
    const filter = { type: 'access.denied', userId: user.id } as const;
    const found = await audit.list(filter, { limit: 10 });
    return found.rows.some(({ detail }) => detail['code'] === code);
  });
}

describe('what was taken away since the decision counts', () => {
  test.each<[string, string, () => Promise<unknown>]>([
    ['the user is disabled', 'access.account', () => users().update(user.id, { disabled: true })],
    ['the user is removed', 'access.account', () => users().remove(user.id)],
    ['the key is removed', 'access.proof', () => users().removeKey(user.id, keyIdOf(bob))],
  ])('%s', async (_what, code, take) => {
    await granted();
    const route = await decided();
    await take();
    await isRefused(open(route), code);
  });

  test('the grant', async () => {
    const { id } = await granted();
    const route = await decided();
    await stage.at.store.grants.remove(id);
    await isRefused(open(route), 'access.revoked');
  });

  test('one of several grants, for nobody knows what the session is for', async () => {
    await granted({ allow: ['shell'] });
    const { id } = await granted({ allow: ['sftp'] });
    const route = await decided();
    await stage.at.store.grants.remove(id);
    await isRefused(open(route), 'access.revoked');
    expect(await open(await decided())).toMatchObject({ sessionId: expect.any(Number) });
  });

  test('the membership', async () => {
    await granted({ to: { groupId } });
    const route = await decided();
    await stage.at.store.groups.setMembers(groupId, []);
    await isRefused(open(route), 'access.revoked');
  });

  test('the tag', async () => {
    await granted({ on: { tag: { key: 'team', value: user.name } } });
    const route = await decided();
    await machines().update(machine.id, { tags: {} });
    await isRefused(open(route), 'access.revoked');
  });

  test('the level of access', async () => {
    const level = (to: 'full' | 'read_only') =>
      stage.at.store.grants.setLevels(user.id, [{ machineId: machine.id, level: to }]);
    await level('full');
    const route = await decided();
    await level('read_only');
    await isRefused(open(route), 'access.revoked');
  });

  test('the time of the grant', async () => {
    const until = new Date(Date.now() + 400);
    await granted({ until });
    const route = await decided();
    await eventually('it is over', () => (Date.now() > until.getTime() ? true : null));
    await isRefused(open(route), 'access.expired');
  });

  test('the token that a container session was made with', async () => {
    const { stacks, tokens, containerSessions, grants } = stage.at.store;
    const stack = await stacks.create(example.stack({ name: `s-${user.name}` }));
    await grants.create(example.grant({ to: { userId: user.id }, on: { stackId: stack.id } }));
    const machineId = await stacks.machineOf(stack, 'web');
    const expiresAt = new Date(Date.now() + 600_000);
    const token = await tokens.create({
      ...{ userId: user.id, kind: 'api', name: user.name, scopes: ['redeploy'] },
      ...{ expiresAt: null, hash: user.name },
    });
    const { id } = await containerSessions.create(
      example.session({ userId: user.id, userName: user.name, machineId }),
      { stackId: stack.id, service: 'web', code: 'abcd2345', expiresAt, tokenId: token.id },
    );
    const container = { containerId: 'c'.repeat(64), containerName: 'web-1', password: null };
    await containerSessions.ready(id, { ...container, expiresAt }, new Date());
    const comer = { ...bob, containerSession: id };
    const route = await decided(comer, null);
    await tokens.revoke(token.id);
    await expect(open(route, comer)).rejects.toMatchObject({ code: 'container.token' });
    const by = { node: 'node-a', kind: 'shell', login: 'root', approval: null } as const;
    const from = { ipAddress: '192.0.2.9', userAgent: 'SSH-2.0-x' };
    expect(await containerSessions.join(id, { ...by, ...from }, new Date())).toBeNull();
    expect(await containerSessions.get(id)).toMatchObject({ joinedAt: null });
  });
});

describe('what is taken away while the session begins ends it without a look by the clock', () => {
  const changes = new LocalChanges();
  const told: [number, RouteAnswer['outcome']][] = [];
  let holds = true;
  let stop: () => Promise<void>;
  beforeAll(() => {
    const gateway: Gateway = {
      count: 0,
      terminate: () => Promise.resolve(false),
      renew: (id, { outcome }) => {
        told.push([id, outcome]);
        return Promise.resolve(holds);
      },
    };
    vi.useFakeTimers({ toFake: ['setInterval'] });
    stop = stage.plane.keepAccess(gateway, changes);
    vi.useRealTimers();
  });
  afterAll(() => stop?.());

  const denials = (id: number, count: number) =>
    eventually(`${count} denials`, () => {
      const mine = told.filter(([of, outcome]) => of === id && outcome === 'denied');
      return mine.length >= count ? true : null;
    });

  test('after its ground was read and before its row was there', async () => {
    holds = true;
    const { id } = await granted();
    const route = await decided();
    stage.at.before.set('sessions.create', async () => {
      await stage.at.store.grants.remove(id);
      changes.publish();
    });
    const { sessionId } = await open(route);
    await denials(sessionId, 1);
  });

  test('before the gateway holds it', async () => {
    holds = false;
    const { id } = await granted();
    const { sessionId } = await open(await decided());
    await stage.at.store.grants.remove(id);
    changes.publish();
    await denials(sessionId, 1);
    holds = true;
    await stage.plane.sessionActive(sessionId, machine.id);
    await denials(sessionId, 2);
  });
});

const users = () => stage.at.store.users;
const machines = () => stage.at.store.machines;

function keyIdOf({ proof }: SignedIn): number {
  return proof?.type === 'publickey' ? proof.keyId : 0;
}
