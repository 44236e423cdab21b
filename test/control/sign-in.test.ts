import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Credential } from '../../src/domain/control-plane.ts';
import { key, user } from '../store/examples.ts';
import { type ControlStage, FACTS, openControlStage, PASSWORD } from './stage.ts';

let stage: ControlStage;
beforeAll(async () => {
  stage = await openControlStage();
  const { users } = stage.at.store;
  const gone = await users.create(
    user({ name: 'gone', passwordHash: await users.passwordHash(stage.ada.id) }),
  );
  await users.addKey(gone.id, key('gone'));
  await users.update(gone.id, { disabled: true });
  await users.create(user({ name: 'bare' }));
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  stage.at.calls.length = 0;
});

function publicKey(comment: string, proven: boolean): Credential {
  return { type: 'publickey', algorithm: 'ssh-ed25519', blob: key(comment).blob, proven };
}

const password = (text: string): Credential => ({ type: 'password', password: text });

async function tried(name: string, credential: Credential): Promise<string> {
  return (await stage.plane.authenticate(name, credential, FACTS)).outcome;
}

test.each<[string, string, string, Credential]>([
  ['the right password', 'accepted', 'ada', password(PASSWORD)],
  ['a wrong one', 'rejected', 'ada', password(`${PASSWORD} `)],
  ['an empty one', 'rejected', 'ada', password('')],
  ['a user without one', 'rejected', 'bare', password('')],
  ['the right password of a disabled user', 'rejected', 'gone', password(PASSWORD)],
  ['an unknown user', 'rejected', 'nobody', password(PASSWORD)],
  ['no user', 'rejected', '', password(PASSWORD)],
  ['a name that differs in case', 'rejected', 'ADA', password(PASSWORD)],
  ['a proven key', 'accepted', 'ada', publicKey('ada', true)],
  ['a proven key of somebody else', 'rejected', 'ada', publicKey('gone', true)],
  ['a proven key of nobody', 'rejected', 'ada', publicKey('nobody', true)],
  ['the proven key of a disabled user', 'rejected', 'gone', publicKey('gone', true)],
  ['an unknown user with a key', 'rejected', 'nobody', publicKey('ada', true)],
  ['a key that nothing was signed with', 'acceptable', 'ada', publicKey('ada', false)],
  ['such a key of a disabled user', 'rejected', 'gone', publicKey('gone', false)],
])('%s: %s', async (_what, outcome, name, credential) => {
  expect(await tried(name, credential)).toBe(outcome);
});

test('a key that nothing was signed with gives no user, leaves no event and is not used', async () => {
  const before = (await stage.at.store.audit.list({}, { limit: 1 })).total;
  const answer = await stage.plane.authenticate('ada', publicKey('ada', false), FACTS);
  expect(answer).toEqual({ outcome: 'acceptable' });
  expect((await stage.at.store.audit.list({}, { limit: 1 })).total).toBe(before);
  expect(stage.at.calls).not.toContain('users.keyUsed');
});

test('a proven key is noted with its fingerprint, a password with its method alone', async () => {
  await tried('ada', publicKey('ada', true));
  await tried('ada', password(PASSWORD));
  const events = await stage.events('auth.succeeded', 2);
  expect(events.slice(-2).map(({ detail }) => detail)).toEqual([
    { method: 'publickey', fingerprint: key('ada').fingerprint },
    { method: 'password' },
  ]);
  expect(events.at(-1)).toMatchObject({ actor: 'ada', source: '192.0.2.7' });
  const [stored] = await stage.at.store.users.keys(stage.ada.id);
  expect(stored?.lastUsedAt).toBeInstanceOf(Date);
});

test.each([
  ['a password', password('wrong')],
  ['a key', publicKey('nobody', false)],
])('unknown, disabled and known users cost the same queries with %s', async (_what, credential) => {
  const costs: string[] = [];
  for (const name of ['ada', 'gone', 'nobody', 'bare', '']) {
    stage.at.calls.length = 0;
    await tried(name, credential);
    costs.push(stage.at.calls.join(' '));
  }
  expect(new Set(costs).size).toBe(1);
  expect(costs[0]).not.toBe('');
});

test('while the store is away nobody is let in, and the failure is told as such', async () => {
  stage.at.away = true;
  await expect(tried('ada', password(PASSWORD))).rejects.toMatchObject({ code: 'store.down' });
  stage.at.away = false;
});
