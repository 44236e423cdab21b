import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NewAuditEvent } from '../../src/domain/audit.ts';
import type { NewToken } from '../../src/domain/token.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { user } from './examples.ts';

const NOW = new Date('2026-03-01T10:00:00.000Z');
const later = (ms: number): Date => new Date(NOW.getTime() + ms);

function token(change: Partial<NewToken> & Pick<NewToken, 'hash'>): NewToken {
  return { userId: null, kind: 'api', name: change.hash, scopes: [], expiresAt: null, ...change };
}

function event(change: Partial<NewAuditEvent>): NewAuditEvent {
  return {
    at: NOW,
    type: 'auth.succeeded',
    actor: 'ada',
    userId: null,
    machineId: null,
    sessionId: null,
    source: '192.0.2.1',
    detail: {},
    ...change,
  };
}

onBothDatabases('tokens and audit', (kind) => {
  let opened: TestStore;
  let ada: number;
  beforeAll(async () => {
    opened = await testStore(kind);
    ada = (await opened.store.users.create(user({ name: 'ada' }))).id;
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  test('a token is found by its hash until it expires or is revoked', async () => {
    const { tokens } = opened.store;
    const made = await tokens.create(
      token({ hash: 'h1', userId: ada, scopes: ['sessions:read', 'admin'], expiresAt: later(10) }),
    );
    expect(made).toMatchObject({
      userId: ada,
      scopes: ['sessions:read', 'admin'],
      lastUsedAt: null,
    });
    expect(JSON.stringify(made)).not.toContain('hash');
    expect(await tokens.getByHash('h1', NOW)).toEqual(made);
    expect(await tokens.getByHash('h1', later(10))).toBeNull();
    expect(await tokens.getByHash('h2', NOW)).toBeNull();
    await tokens.used(made.id, later(3));
    expect((await tokens.getByHash('h1', NOW))?.lastUsedAt).toEqual(later(3));
    expect(await tokens.revoke(made.id)).toMatchObject({ id: made.id, name: made.name });
    expect(await tokens.revoke(made.id)).toBeNull();
    expect(await tokens.getByHash('h1', NOW)).toBeNull();
  });

  test('lists hold the tokens made by hand, of one user or of all', async () => {
    const { tokens } = opened.store;
    const [mine, nobodys] = [
      await tokens.create(token({ hash: 'mine', userId: ada })),
      await tokens.create(token({ hash: 'nobodys' })),
    ];
    await tokens.create(token({ hash: 'web', userId: ada, kind: 'web' }));
    const boot = await tokens.create(token({ hash: 'boot', kind: 'bootstrap' }));
    const page = { limit: 10, page: 1 };
    expect(await tokens.list(null, page)).toEqual({ rows: [nobodys, mine], total: 2, next: null });
    expect((await tokens.list(ada, page)).rows).toEqual([mine]);
    await tokens.revokeNamed('bootstrap', 'another name');
    expect(await tokens.getByHash('boot', NOW)).not.toBeNull();
    await tokens.revokeNamed('bootstrap', boot.name);
    expect(await tokens.getByHash('boot', NOW)).toBeNull();
    expect(await tokens.getByHash('web', NOW)).not.toBeNull();
  });

  test('one hash is one token, and an unknown user has none', async () => {
    const { tokens } = opened.store;
    await tokens.create(token({ hash: 'twice' }));
    await expect(tokens.create(token({ hash: 'twice' }))).rejects.toMatchObject({
      code: 'thing.exists',
    });
    await expect(tokens.create(token({ hash: 'x', userId: 4242 }))).rejects.toMatchObject({
      message: 'no user 4242',
    });
  });

  test('a sign-in link works once, and not when it is late', async () => {
    const { tokens } = opened.store;
    const soon = new Date(Date.now() + 60_000);
    await tokens.createSignIn({ hash: 's1', userId: ada, expiresAt: soon });
    const uses = await Promise.all(
      Array.from({ length: 10 }, () => tokens.useSignIn('s1', new Date())),
    );
    expect(uses.filter((id) => id === ada)).toHaveLength(1);
    expect(uses.filter((id) => id === null)).toHaveLength(9);
    await tokens.createSignIn({ hash: 's2', userId: ada, expiresAt: soon });
    expect(await tokens.useSignIn('s2', soon)).toBeNull();
    expect(await tokens.useSignIn('s2', new Date())).toBeNull();
    await expect(
      tokens.createSignIn({ hash: 's3', userId: 4242, expiresAt: soon }),
    ).rejects.toMatchObject({ code: 'thing.not_found' });
  });

  test('events come back newest first, found by every filter', async () => {
    const { audit } = opened.store;
    const denied = event({
      type: 'access.denied',
      userId: 1,
      machineId: 2,
      sessionId: 3,
      detail: { code: 'access.login', tries: 2, last: true, note: null },
    });
    await audit.append(denied);
    await audit.append(event({ at: later(1000), userId: 1, actor: null, source: null }));
    const all = await audit.list({}, { limit: 10, page: 1 });
    expect(all.total).toBe(2);
    expect(all.rows[1]).toEqual({
      ...{ id: expect.any(Number), before: null, after: null },
      ...denied,
    });
    const found = async (filter: Parameters<typeof audit.list>[0]) =>
      (await audit.list(filter, { limit: 10 })).rows.map((row) => row.type);
    expect(await found({ type: 'access.denied' })).toEqual(['access.denied']);
    expect(await found({ userId: 1 })).toEqual(['auth.succeeded', 'access.denied']);
    expect(await found({ machineId: 2, sessionId: 3 })).toEqual(['access.denied']);
    expect(await found({ from: later(1) })).toEqual(['auth.succeeded']);
    expect(await found({ to: later(1000) })).toEqual(['access.denied']);
    expect(await found({ userId: 9 })).toEqual([]);
  });

  test('a hostile name does not keep an event from being stored', async () => {
    const { audit } = opened.store;
    await audit.append(
      event({ type: 'auth.failed', actor: 'a\0b\ud800', detail: { 'k\0': 'v\0\udfff"\\u0000' } }),
    );
    const { rows } = await audit.list({ type: 'auth.failed' }, { limit: 1 });
    expect(rows[0]).toMatchObject({
      actor: 'a\ufffdb\ufffd',
      detail: { 'k\ufffd': 'v\ufffd\ufffd"\\u0000' },
    });
  });

  test('an event outlives what it tells of, and may tell of what is gone already', async () => {
    const { users, audit } = opened.store;
    const { id } = await users.create(user({ name: 'brief' }));
    await audit.append(event({ type: 'user.created', userId: id }));
    await users.remove(id);
    await audit.append(event({ type: 'user.removed', userId: id }));
    const { rows } = await audit.list({ userId: id }, { limit: 10 });
    expect(rows.map((row) => row.type)).toEqual(['user.removed', 'user.created']);
  });
});
