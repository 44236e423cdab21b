import { afterAll, beforeAll, expect, test } from 'vitest';
import { Secret } from '../../src/domain/secret.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { user } from './examples.ts';

const AT = new Date('2026-03-01T10:00:00.123Z');
const TEXT = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

onBothDatabases('second factors', (kind) => {
  let opened: TestStore;
  beforeAll(async () => {
    opened = await testStore(kind);
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  const somebody = async (name: string): Promise<number> =>
    (await opened.store.users.create(user({ name }))).id;
  const confirmed = { at: AT, step: 100, recoveryHashes: ['one', 'two'] };

  async function enrolled(name: string): Promise<number> {
    const id = await somebody(name);
    await opened.store.factors.begin(id, new Secret(TEXT));
    await opened.store.factors.confirm(id, confirmed);
    return id;
  }

  const won = (answers: readonly boolean[]): number => answers.filter(Boolean).length;

  test('one that was begun is replaced until its first code, and not after', async () => {
    const { factors, users } = opened.store;
    const id = await somebody('ada');
    expect(await factors.get(id)).toBeNull();
    expect(await factors.confirm(id, confirmed)).toBe(false);
    expect(await factors.begin(id, new Secret('A'))).toBe(true);
    expect(await factors.begin(id, new Secret(TEXT))).toBe(true);
    expect((await factors.get(id))?.confirmedAt).toBeNull();
    expect(await factors.use(id, 101)).toBe(false);
    const answers = await Promise.all([1, 2, 3].map(() => factors.confirm(id, confirmed)));
    expect(won(answers)).toBe(1);
    const stored = await factors.get(id);
    expect([stored?.secret.expose(), stored?.confirmedAt]).toEqual([TEXT, AT]);
    expect(await factors.begin(id, new Secret('B'))).toBe(false);
    expect(await users.get(id)).toMatchObject({ totp: 'optional', hasTotp: true });
    expect(JSON.stringify(await users.get(id))).not.toContain(TEXT);
  });

  test('a step is used up once, with those before it, whoever asks at the same time', async () => {
    const { factors } = opened.store;
    const id = await enrolled('bob');
    expect(await factors.use(id, 100)).toBe(false);
    const answers = await Promise.all(Array.from({ length: 8 }, () => factors.use(id, 103)));
    expect(won(answers)).toBe(1);
    expect(await factors.use(id, 102)).toBe(false);
    expect(await factors.use(id, 104)).toBe(true);
  });

  test('a recovery code is used up once, and is of one user', async () => {
    const { factors } = opened.store;
    const [id, other] = [await enrolled('cat'), await somebody('dan')];
    expect(await factors.useRecovery(other, 'one')).toBe(false);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => factors.useRecovery(id, 'one')),
    );
    expect(won(answers)).toBe(1);
    expect(await factors.useRecovery(id, 'three')).toBe(false);
    expect(await factors.useRecovery(id, 'two')).toBe(true);
  });

  test('a reset takes secret and recovery codes away', async () => {
    const { factors, standing } = opened.store;
    const id = await enrolled('eve');
    const before = await standing.of([id], [], []);
    expect(before.accounts).toMatchObject([{ totp: 'optional', enrolled: AT.getTime() }]);
    expect(await factors.reset(id)).toBe(true);
    expect(await factors.reset(id)).toBe(false);
    expect(await factors.get(id)).toBeNull();
    expect(await factors.useRecovery(id, 'two')).toBe(false);
    expect((await standing.of([id], [], [])).accounts).toMatchObject([{ enrolled: null }]);
  });

  test('a sign-in that waits for its code is gone on with once, and not late', async () => {
    const { factors } = opened.store;
    const userId = await somebody('fay');
    const soon = new Date(Date.now() + 60_000);
    await factors.wait({ hash: 'h', userId, expiresAt: soon });
    expect(await factors.waiting('h', new Date())).toBe(userId);
    expect(await factors.waiting('h', soon)).toBeNull();
    expect(await factors.waiting('other', new Date())).toBeNull();
    const answers = await Promise.all([1, 2, 3].map(() => factors.done('h')));
    expect(won(answers)).toBe(1);
    expect(await factors.waiting('h', new Date())).toBeNull();
  });
});
