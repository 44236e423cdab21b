import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Access } from '../../src/control/access.ts';
import type { User } from '../../src/domain/user.ts';
import * as example from '../store/examples.ts';
import { eventually } from '../support/eventually.ts';
import { openShop, type Shop } from './shop.ts';
import { call, tokenFor } from './stage.ts';

/** What sessions of containers rest on, before their users come and after. */

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});

afterAll(() => shop.close());

/** Somebody with the permission on shop, and a token. */
async function somebody(change: { passwordHash?: string } = {}) {
  const { store } = shop.stage;
  const user = await store.users.create(example.user({ name: `u-${randomUUID()}`, ...change }));
  const stack = await store.stacks.getByName('shop');
  const ends = { to: { userId: user.id }, on: { stackId: stack?.id ?? 0 } };
  const grant = await store.grants.create(example.grant({ ...ends, allow: ['shell'] }));
  return { user, grant, token: await tokenFor(shop.stage, user, ['redeploy']) };
}

async function tokenIdOf(user: User): Promise<number> {
  const { rows } = await shop.stage.store.tokens.list(user.id, { limit: 100 });
  return rows[0]?.id ?? 0;
}

/** `connection_info` of a session, and its status, as its owner reads it with another token. */
async function fetched(user: User, id: number) {
  const token = await tokenFor(shop.stage, user, ['redeploy']);
  const { body } = await shop.get(`/v1/stacks/shop/sessions/fetch?session_id=${id}`, token);
  return body;
}

function ended(id: number): Promise<string | null> {
  return eventually('the session ends', async () => {
    const session = await shop.stage.store.sessions.get(id);
    return session?.endedAt == null ? null : session.endReason;
  });
}

test('a session that waits ends with the token that made it, and its password at once', async () => {
  const { user, token } = await somebody();
  const id = await shop.ready('shop', 'web', token);
  expect((await fetched(user, id)).connection_info.password).toMatch(/^[\w-]{24}$/);
  // The oldest: `fetched` makes others.
  const { rows } = await shop.stage.store.tokens.list(user.id, { limit: 100 });
  const path = `/v1/tokens/${rows.at(-1)?.id}`;
  const revoked = await call(shop.stage, 'DELETE', path, { token: shop.admin });
  expect(revoked.status).toBe(200);
  expect((await fetched(user, id)).connection_info).not.toHaveProperty('password');
  expect(await shop.stage.store.containerSessions.get(id)).toMatchObject({ isTokenGood: false });
  expect(await ended(id)).toBe('access_revoked');
  expect(await fetched(user, id)).toMatchObject({ status: 'stopped' });
});

test('a token that expires ends what it has made, as one that is revoked', async () => {
  const { user } = await somebody();
  const { store } = shop.stage;
  await tokenFor(shop.stage, user, ['redeploy'], new Date(Date.now() - 1));
  const stack = await store.stacks.getByName('shop');
  if (stack === null) throw new Error('no stack');
  const machineId = await store.stacks.machineOf(stack, 'web');
  const { id } = await store.containerSessions.create(
    example.session({ userId: user.id, userName: user.name, machineId, machineName: 'shop.web' }),
    {
      ...{ stackId: stack.id, service: 'web', code: 'abcd2345', tokenId: await tokenIdOf(user) },
      expiresAt: new Date(Date.now() + 600_000),
    },
  );
  expect(await ended(id)).toBe('access_revoked');
});

test.each([
  ['whose user is disabled', 'disabled'],
  ['whose user is removed', 'removed'],
  ['whose user has lost the grant on the stack', 'withdrawn'],
] as const)('a session that waits ends, %s', async (_what, how) => {
  const { user, grant, token } = await somebody();
  const id = await shop.ready('shop', 'web', token);
  const { users, grants } = shop.stage.store;
  if (how === 'disabled') await users.update(user.id, { disabled: true });
  if (how === 'removed') await users.remove(user.id);
  if (how === 'withdrawn') await grants.remove(grant.id);
  expect(await ended(id)).toBe('access_revoked');
});

test('a session goes on while what it rests on is there, whatever else is taken away', async () => {
  const { user, token } = await somebody();
  const mine = await shop.ready('shop', 'web', token);
  const other = await somebody();
  const gone = await shop.ready('shop', 'web', other.token);
  await tokenFor(shop.stage, user, ['redeploy']);
  await shop.stage.store.tokens.revoke(await tokenIdOf(user));
  await shop.stage.store.tokens.revoke(await tokenIdOf(other.user));
  expect(await ended(gone)).toBe('access_revoked');
  expect(await shop.stage.store.sessions.get(mine)).toMatchObject({ status: 'active' });
});

test('who is in the container reads that the token is not valid any more', async () => {
  const { user, token } = await somebody();
  const { store } = shop.stage;
  const id = await shop.ready('shop', 'web', token);
  const by = {
    ...({ node: 'node-a', kind: 'shell', login: 'root' } as const),
    ...{ ipAddress: '192.0.2.9', userAgent: 'SSH-2.0-x', approval: null },
  };
  expect(await store.containerSessions.join(id, by, new Date())).toMatchObject({ id });
  const machineId = (await store.sessions.get(id))?.machineId ?? 0;
  const held = {
    user: { userId: user.id, userName: user.name, proof: null, containerSession: id },
    ...{ machine: { id: machineId, name: 'shop.web' }, login: 'root', approval: null },
    facts: { connectionId: 'c-1', sourceAddress: '192.0.2.7', client: 'test' },
  };
  const access = new Access(store);
  expect(await access.again([held])).toMatchObject([{ outcome: 'allowed' }]);
  await store.tokens.revoke(await tokenIdOf(user));
  const denied = { outcome: 'denied', code: 'container.token' };
  expect(await access.again([held])).toMatchObject([denied]);
  const wanted = { machine: null, login: null };
  expect(await access.decide(held.user, wanted, held.facts)).toMatchObject(denied);
});

test('who signs in with certificates alone gets no password, who has one does', async () => {
  const { store } = shop.stage;
  const { blob, algorithm } = example.key('a CA');
  const authority = (change: { matchUserName: boolean; principals: Record<string, string[]> }) =>
    store.authorities.create({
      ...{ name: `ca-${randomUUID()}`, algorithm, blob, ...change },
      fingerprint: `SHA256:${randomUUID()}`,
    });
  const password = async (who: Awaited<ReturnType<typeof somebody>>): Promise<unknown> => {
    const id = await shop.ready('shop', 'web', who.token);
    return (await fetched(who.user, id)).connection_info.password;
  };
  const bare = await somebody();
  const withPassword = await somebody({ passwordHash: 'a hash' });
  const given = expect.stringMatching(/^[\w-]{24}$/);
  const others = await authority({ matchUserName: false, principals: { ops: ['root'] } });
  try {
    expect(await password(bare)).toEqual(given);
  } finally {
    await store.authorities.remove(others.id);
  }
  for (const change of [
    { matchUserName: true, principals: {} },
    { matchUserName: false, principals: { ops: [bare.user.name] } },
  ]) {
    const { id } = await authority(change);
    try {
      expect(await password(bare)).toBeUndefined();
      expect(await password(withPassword)).toEqual(given);
    } finally {
      await store.authorities.remove(id);
    }
  }
});
