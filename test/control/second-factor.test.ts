import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Credential, SignedIn } from '../../src/domain/control-plane.ts';
import { grant, key, machine, user } from '../store/examples.ts';
import { codeOf } from '../support/codes.ts';
import { type ControlStage, FACTS, openControlStage } from './stage.ts';

let stage: ControlStage;
beforeAll(async () => {
  stage = await openControlStage();
  const { machines } = stage.at.store;
  await machines.create(machine({ name: 'vault', tags: { strict: 'yes' } }));
  await machines.create(machine({ name: 'lobby' }));
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

function keyOf(name: string, proven = true): Credential {
  return { type: 'publickey', algorithm: 'ssh-ed25519', blob: key(name).blob, proven };
}

/** Someone with a key who may reach `lobby`, and `vault` with a second factor alone. */
async function somebody(name: string): Promise<number> {
  const { users, machines, grants } = stage.at.store;
  const { id } = await users.create(user({ name }));
  await users.addKey(id, key(name));
  const lobby = await machines.getByName('lobby');
  const to = { userId: id };
  await grants.create(grant({ to, on: { machineId: lobby?.id ?? 0 } }));
  const on = { tag: { key: 'strict', value: 'yes' } };
  await grants.create(grant({ to, on, mfa: true }));
  return id;
}

const signIn = (name: string, at: string | null) =>
  stage.plane.authenticate(name, keyOf(name), FACTS, { machine: at, login: null });

async function pending(name: string, at: string | null): Promise<SignedIn> {
  const answer = await signIn(name, at);
  if (answer.outcome !== 'partial') throw new Error(answer.outcome);
  return answer.user;
}

const to = async (who: SignedIn, name: string): Promise<string> => {
  const answer = await stage.plane.authorize(who, { machine: name, login: null }, FACTS);
  return answer.outcome === 'allowed' ? answer.route.machine.name : answer.code;
};

/** Led to a second factor. */
async function enrol(name: string): Promise<{ who: SignedIn; secret: string; codes: string[] }> {
  const first = await pending(name, 'vault');
  const { secret } = await stage.plane.beginEnrolment(first, FACTS);
  const answer = await stage.plane.checkCode(first, codeOf(secret), FACTS);
  if (answer.outcome !== 'right') throw new Error(answer.reason);
  return { who: answer.user, secret, codes: [...answer.recoveryCodes] };
}

test('is asked for where a grant on the way demands it, and nowhere else', async () => {
  await somebody('ann');
  expect(await signIn('ann', 'lobby')).toMatchObject({ outcome: 'accepted' });
  expect(await signIn('ann', 'vault')).toMatchObject({ outcome: 'partial', need: 'enrol' });
  expect(await signIn('ann', null)).toMatchObject({ outcome: 'partial', need: 'enrol' });
  expect(await signIn('ann', 'nowhere')).toMatchObject({ outcome: 'accepted' });
});

test('a key that nothing was signed with is told nothing of it', async () => {
  await somebody('ben');
  const wanted = { machine: 'vault', login: null };
  expect(await stage.plane.authenticate('ben', keyOf('ben', false), FACTS, wanted)).toEqual({
    outcome: 'acceptable',
  });
});

test('without it the grant that demands it is none, whoever says they are signed in', async () => {
  await somebody('cat');
  const half = await pending('cat', 'vault');
  expect([await to(half, 'vault'), await to(half, 'lobby')]).toEqual(['access.mfa', 'lobby']);
  expect(await to({ ...half, secondFactor: Date.now() }, 'vault')).toBe('access.mfa');
  const { who } = await enrol('cat');
  expect(await to(who, 'vault')).toBe('vault');
  await stage.at.store.factors.reset(who.userId);
  expect(await to(who, 'vault')).toBe('access.mfa');
  const { who: again } = await enrol('cat');
  expect([await to(again, 'vault'), await to(who, 'vault')]).toEqual(['vault', 'access.mfa']);
});

test('of who must always prove one, nothing is reached without it', async () => {
  const id = await somebody('dan');
  const accepted = await signIn('dan', 'lobby');
  await stage.at.store.users.update(id, { totp: 'required' });
  if (accepted.outcome !== 'accepted') throw new Error(accepted.outcome);
  expect(await to(accepted.user, 'lobby')).toBe('access.mfa');
  expect(await stage.plane.reachable(accepted.user, FACTS)).toEqual([]);
  const { who } = await enrol('dan');
  expect(await to(who, 'lobby')).toBe('lobby');
});

test('a code is good once, a recovery code too, written as people do', async () => {
  await somebody('eve');
  const { secret, codes } = await enrol('eve');
  const half = await pending('eve', 'vault');
  const outcomes: string[] = [];
  const spaced = (codes[0] ?? '').replaceAll('-', ' ').toUpperCase();
  const code = codeOf(secret, 1);
  for (const given of [code, code, codeOf(secret), spaced, codes[0] ?? '', 'x'.repeat(65)]) {
    outcomes.push((await stage.plane.checkCode(half, given, FACTS)).outcome);
    // What is wrong is not to count here.
    await stage.plane.checkCode(half, codes.pop() ?? '', FACTS);
  }
  expect(outcomes).toEqual(['right', 'wrong', 'wrong', 'right', 'wrong', 'wrong']);
});

test('codes are guessed under the same waits as passwords, and a right one is refused too', async () => {
  await somebody('fay');
  const { secret } = await enrol('fay');
  const half = await pending('fay', 'vault');
  const facts = { ...FACTS, sourceAddress: '192.0.2.99' };
  const guess = (code: string, from = facts) => stage.plane.checkCode(half, code, from);
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => guess('000000')));
  expect(outcomes.map((one) => one.outcome === 'wrong' && one.reason)).toEqual([
    ...Array(5).fill('code'),
    ...Array(3).fill('penalty'),
  ]);
  expect(await guess(codeOf(secret, 1))).toEqual({ outcome: 'wrong', reason: 'penalty' });
  expect(await guess(codeOf(secret, 1), FACTS)).toMatchObject({ outcome: 'right' });
});

test('is in the audit: enrolment, use of a recovery code, and what was proved', async () => {
  await somebody('gus');
  const { codes } = await enrol('gus');
  const half = await pending('gus', 'vault');
  await stage.plane.checkCode(half, codes[3] ?? '', FACTS);
  const of = async (type: 'totp.enrolled' | 'totp.recovery_used' | 'auth.succeeded') =>
    (await stage.events(type)).filter(({ actor }) => actor === 'gus');
  expect(await of('totp.enrolled')).toHaveLength(1);
  expect(await of('totp.recovery_used')).toHaveLength(1);
  expect((await of('auth.succeeded')).map(({ detail }) => detail)).toEqual([
    { method: 'publickey', second_factor: 'enrolment' },
    { method: 'publickey', second_factor: 'recovery_code' },
  ]);
});
