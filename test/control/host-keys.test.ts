import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NewMachine } from '../../src/domain/machine.ts';
import { machine, session } from '../store/examples.ts';
import { type ControlStage, openControlStage } from './stage.ts';

const ONE = { line: 'ssh-ed25519 AAAAone', fingerprint: 'SHA256:one' };
const TWO = { line: 'ssh-ed25519 AAAAtwo', fingerprint: 'SHA256:two' };

let stage: ControlStage;
let next = 0;
beforeAll(async () => {
  stage = await openControlStage();
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

/** A machine, and the question whether a key is its own. */
async function asked(more: Partial<NewMachine>) {
  next += 1;
  const { machines, sessions } = stage.at.store;
  const made = await machines.create(machine({ name: `m${next}`, ...more }));
  const { id } = await sessions.create(session({ userId: stage.ada.id, machineId: made.id }));
  return {
    machineId: made.id,
    sessionId: id,
    check: (key: typeof ONE) => stage.plane.checkHostKey(id, made.id, key),
    pinned: async () => (await machines.get(made.id))?.hostKey,
    notes: async () => {
      const { rows } = await stage.at.store.audit.list({ sessionId: id }, { limit: 10 });
      return rows.map(({ type, detail }) => [type, detail]);
    },
  };
}

test('accept-new: the first key is pinned and noted, and from then on the only one', async () => {
  const at = await asked({ hostKeyPolicy: 'accept-new' });
  expect(await at.check(ONE)).toEqual({ outcome: 'trusted' });
  expect(await at.pinned()).toBe(ONE.line);
  expect(await at.check(ONE)).toEqual({ outcome: 'trusted' });
  expect(await at.check(TWO)).toEqual({ outcome: 'changed', expected: ONE.line });
  expect(await at.pinned()).toBe(ONE.line);
  await stage.events('host_key.changed');
  expect(await at.notes()).toEqual([
    ['host_key.changed', { offered: 'SHA256:two' }],
    ['host_key.pinned', { fingerprint: 'SHA256:one' }],
  ]);
});

test('strict: nothing is pinned by itself, and nothing unknown is trusted', async () => {
  const at = await asked({ hostKeyPolicy: 'strict' });
  expect(await at.check(ONE)).toEqual({ outcome: 'unknown' });
  expect(await at.pinned()).toBeNull();
  const known = await asked({ hostKeyPolicy: 'strict', hostKey: ONE.line });
  expect(await known.check(ONE)).toEqual({ outcome: 'trusted' });
  expect(await known.check(TWO)).toMatchObject({ outcome: 'changed' });
});

test('of two first connections with different keys one is trusted', async () => {
  const at = await asked({ hostKeyPolicy: 'accept-new' });
  const answers = await Promise.all([at.check(ONE), at.check(TWO)]);
  expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['changed', 'trusted']);
  expect(await at.pinned()).toBe(answers[0].outcome === 'trusted' ? ONE.line : TWO.line);
});

test('the key of a machine that was removed is not trusted', async () => {
  const at = await asked({});
  await stage.at.store.machines.remove(at.machineId);
  expect(await at.check(ONE)).toEqual({ outcome: 'unknown' });
});

test('while the store is away no key is trusted', async () => {
  const at = await asked({ hostKey: ONE.line });
  stage.at.away = true;
  await expect(at.check(ONE)).rejects.toMatchObject({ code: 'store.down' });
  stage.at.away = false;
});
