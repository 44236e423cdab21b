import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SignedIn } from '../../src/domain/control-plane.ts';
import type { RepairRecording } from '../../src/domain/recording.ts';
import { HeldSessions } from '../../src/ipc/held-sessions.ts';
import { grant, machine, seal } from '../store/examples.ts';
import { silent } from '../store/options.ts';
import { eventually } from '../support/eventually.ts';
import { FACTS, openPlaneStage, type PlaneStage } from './planes.ts';

const BYTES = { bytesIn: 1, bytesOut: 2 };

let stage: PlaneStage;
beforeAll(async () => {
  stage = await openPlaneStage();
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

/** What a worker holds; `repaired` are the keys of recordings that were to be repaired. */
function heldSessions(nothingLeft: readonly string[] = [], patience?: number) {
  const repaired: string[] = [];
  const repair: RepairRecording = async (key) => {
    repaired.push(key);
    if (nothingLeft.includes(key)) return { state: 'failed', receipt: null };
    const facts = { size: 10, recordedBytes: 5, duration: 1, sha256: 'ab'.repeat(32) };
    return { state: 'recovered', receipt: { key, ...facts, seal: seal() } };
  };
  return { held: new HeldSessions(stage.local, repair, silent, patience), repaired };
}

async function begin(held: HeldSessions): Promise<number> {
  const alice: SignedIn = { userId: stage.alice.id, userName: 'alice', proof: null };
  const answer = await held.authorize(alice, { machine: 'web1', login: null }, FACTS);
  if (answer.outcome === 'denied') throw new Error(answer.code);
  return (await held.openSession(alice, answer.route, 'shell', FACTS)).sessionId;
}

test('a lost worker ends what it held, with the bytes of the last heartbeat', async () => {
  const { held } = heldSessions();
  const [one, two, ended] = [await begin(held), await begin(held), await begin(held)];
  await held.heartbeat(one, 100, 200);
  await held.closeSession(ended, 'client_closed', BYTES);
  expect(held.count).toBe(2);
  expect([held.has(one), held.has(ended)]).toEqual([true, false]);
  expect(await held.lost('worker_died')).toBe(2);
  const rows = await Promise.all([one, two, ended].map((id) => stage.store.sessions.get(id)));
  expect(rows).toEqual([
    expect.objectContaining({ endReason: 'worker_died', bytesIn: 100, bytesOut: 200 }),
    expect.objectContaining({ endReason: 'worker_died', bytesIn: 0, bytesOut: 0 }),
    expect.objectContaining({ endReason: 'client_closed', ...BYTES }),
  ]);
  expect(held.count).toBe(0);
  expect((await stage.counters.active()).sessions).toBe(0);
});

test('a session whose row was being made when its worker died ends as well', async () => {
  const { held } = heldSessions();
  const opening = begin(held);
  await held.lost('worker_died');
  const row = await stage.store.sessions.get(await opening);
  expect(row).toMatchObject({ endReason: 'worker_died' });
  expect(held.count).toBe(0);
});

test('recordings that are open are repaired, those of an ended session too', async () => {
  const { held, repaired } = heldSessions(['empty']);
  const id = await begin(held);
  for (const [index, key] of ['whole', 'done', 'empty'].entries()) {
    const number = index + 1;
    await held.openChannel(id, { number, kind: 'shell', command: null, pty: true });
    await held.openRecording(id, number, key);
  }
  await held.closeRecording(id, 2, 'failed', null);
  await held.closeSession(id, 'client_lost', BYTES);
  expect(await held.lost('worker_died')).toBe(0);
  expect(repaired).toEqual(['whole', 'empty']);
  const recordings = await stage.store.sessions.recordings(id);
  expect(recordings.map(({ channel, state }) => [channel, state])).toEqual([
    [1, 'recovered'],
    [2, 'failed'],
    [3, 'failed'],
  ]);
  expect(await stage.store.sessions.get(id)).toMatchObject({ endReason: 'client_lost' });
});

/** Somebody who needs an approval, of a group with this name. */
async function needing(group: string) {
  const { store, alice: user } = stage;
  const web2 = await store.machines.create(machine({ name: `for-${group}` }));
  const leads = await store.groups.create(group, []);
  const ends = { to: { userId: user.id }, on: { machineId: web2.id } };
  const { id: grantId } = await store.grants.create(
    grant({ ...ends, approval: { groupId: leads.id } }),
  );
  const alice: SignedIn = { userId: user.id, userName: 'alice', proof: null };
  const wanted = { machineId: web2.id, login: web2.login, grantId, kind: 'shell' } as const;
  return { alice, wanted };
}

test('what a worker does not ask for any more is called off', async () => {
  const { alice, wanted } = await needing('slow');
  const { held } = heldSessions([], 1);
  const { approvalId } = await held.askApproval(alice, wanted, FACTS);
  await eventually('it is called off', async () => {
    const found = await stage.store.approvals.get(approvalId);
    return found?.status === 'called_off';
  });
});

test('what a lost worker waits for is called off, also what it was just asking', async () => {
  const { store } = stage;
  const { alice, wanted } = await needing('leads');
  const { held } = heldSessions();
  const waits = await held.askApproval(alice, wanted, FACTS);
  const calledOff = await held.askApproval(alice, wanted, FACTS);
  await held.callOffApproval(calledOff.approvalId);
  const asking = held.askApproval(alice, wanted, FACTS);
  await held.lost('worker_died');
  const asked = await asking;
  for (const { approvalId } of [waits, asked, calledOff]) {
    expect(await store.approvals.get(approvalId)).toMatchObject({ status: 'called_off' });
  }
  expect(await held.approvalAnswer(waits.approvalId)).toMatchObject({
    outcome: 'denied',
    code: 'approval.called_off',
  });
});
