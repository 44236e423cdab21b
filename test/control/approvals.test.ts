import { afterAll, beforeAll, expect, test } from 'vitest';
import { Access } from '../../src/control/access.ts';
import { Approvals } from '../../src/control/approvals.ts';
import { Outbox } from '../../src/control/outbox.ts';
import { MOST_PENDING } from '../../src/domain/approval.ts';
import { LocalChanges } from '../../src/domain/changes.ts';
import type { SignedIn } from '../../src/domain/control-plane.ts';
import type { Machine } from '../../src/domain/machine.ts';
import { grant, machine, session, stack, user } from '../store/examples.ts';
import { eventually } from '../support/eventually.ts';
import { type ControlStage, FACTS, openControlStage } from './stage.ts';

let stage: ControlStage;
let web1: Machine;
let leadsId: number;
let next = 0;
beforeAll(async () => {
  stage = await openControlStage();
  const { machines, groups } = stage.at.store;
  web1 = await machines.create(machine({ name: 'web1' }));
  leadsId = (await groups.create('leads', [])).id;
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

/** Somebody with a grant on web1 that needs an approval. */
async function somebody() {
  next += 1;
  const { users, grants } = stage.at.store;
  const made = await users.create(user({ name: `asker${next}` }));
  const ends = { to: { userId: made.id }, on: { machineId: web1.id } };
  const { id: grantId } = await grants.create(grant({ ...ends, approval: { groupId: leadsId } }));
  const who: SignedIn = { userId: made.id, userName: made.name, proof: null };
  const wanted = { machineId: web1.id, login: web1.login, grantId, kind: 'shell' } as const;
  return { who, wanted };
}

/** A node of its own over the same store. */
function node(timeoutMs: number) {
  const { store } = stage.at;
  const changes = new LocalChanges();
  const approvals = new Approvals({
    ...{
      stores: store,
      access: new Access(store),
      outbox: new Outbox(stage.log, { pauses: [10] }),
    },
    ...{ node: 'node-b', timeoutMs, publicUrl: () => 'https://bastion.example', log: stage.log },
  });
  approvals.watch(changes);
  return { approvals, changes, [Symbol.asyncDispose]: () => approvals.close() };
}

const word = { name: 'lena', reason: 'ok', at: new Date() };

test('a request says who approves and where, and is in the audit', async () => {
  await using here = node(60_000);
  const { who, wanted } = await somebody();
  const asked = await here.approvals.ask(who, wanted, FACTS);
  expect(asked).toEqual({
    approvalId: asked.approvalId,
    by: 'group leads',
    url: `https://bastion.example/approvals/${asked.approvalId}`,
  });
  const events = await stage.events('approval.requested');
  expect(events.at(-1)).toMatchObject({
    actor: who.userName,
    machineId: web1.id,
    detail: { approval: `apr_${asked.approvalId}`, by: 'group leads', kind: 'shell' },
    before: null,
    after: { status: 'pending', machine_name: 'web1', user_name: who.userName },
  });
  await here.approvals.callOff(asked.approvalId);
  expect((await stage.events('approval.called_off')).at(-1)).toMatchObject({
    before: { status: 'pending', closed_at: null },
    after: { status: 'called_off', closed_at: expect.any(String) },
  });
});

test('one that was approved on another node is heard of, and opens one session', async () => {
  await using here = node(60_000);
  const { who, wanted } = await somebody();
  const { approvalId } = await here.approvals.ask(who, wanted, FACTS);
  const before = await stage.plane.authorize(who, { machine: 'web1', login: null }, FACTS);
  if (before.outcome === 'denied') throw new Error(before.code);
  const bare = stage.plane.openSession(who, before.route, 'shell', FACTS);
  await expect(bare).rejects.toMatchObject({ code: 'access.revoked' });
  await stage.at.store.approvals.decide(approvalId, 'approved', { ...word, at: new Date() });
  const answer = await here.approvals.answer(approvalId);
  if (answer.outcome !== 'approved') throw new Error(answer.outcome);
  expect(answer).toMatchObject({ by: 'lena', route: { approval: { approvalId } } });
  const { sessionId } = await stage.plane.openSession(who, answer.route, 'shell', FACTS);
  expect(await stage.at.store.sessions.get(sessionId)).toMatchObject({
    approval: { id: approvalId, approvedBy: 'lena', reason: 'ok' },
  });
  const second = stage.plane.openSession(who, answer.route, 'shell', FACTS);
  await expect(second).rejects.toMatchObject({ code: 'approval.used' });
  const uses = (await stage.events('approval.used')).filter(
    ({ detail }) => detail['approval'] === `apr_${approvalId}`,
  );
  expect(uses).toMatchObject([
    {
      ...{ actor: who.userName, source: FACTS.sourceAddress, machineId: web1.id },
      ...{ before: { used: false }, after: { used: true } },
    },
  ]);
  const [started] = (await stage.events('session.started')).slice(-1);
  expect(started?.detail).toMatchObject({ approved_by: 'lena' });
  await stage.plane.closeSession(sessionId, 'client_closed', { bytesIn: 0, bytesOut: 0 });
});

test('an approval is used up by a session that opens, not by one that is over', async () => {
  await using here = node(60_000);
  const { containerSessions, approvals, grants, stacks, users } = stage.at.store;
  next += 1;
  const { id: userId, name: userName } = await users.create(user({ name: `asker${next}` }));
  const shop = await stacks.create(stack({ name: `shop${next}` }));
  const machineId = await stacks.machineOf(shop, 'web');
  const ends = { to: { userId }, on: { stackId: shop.id } };
  const { id: grantId } = await grants.create(grant({ ...ends, approval: { groupId: leadsId } }));
  const expiresAt = new Date(Date.now() + 600_000);
  const waiting = async (): Promise<SignedIn> => {
    const { id } = await containerSessions.create(
      session({ userId, userName, machineId, machineName: `${shop.name}.web` }),
      { stackId: shop.id, service: 'web', code: 'abcd2345', tokenId: null, expiresAt },
    );
    const place = { containerId: 'c'.repeat(64), containerName: 'web-1', password: null };
    await containerSessions.ready(id, { ...place, expiresAt }, new Date());
    return { userId, userName, proof: null, containerSession: id };
  };
  const over = await waiting();
  const wanted = { machineId, login: shop.login, grantId, kind: 'shell' } as const;
  const { approvalId } = await here.approvals.ask(over, wanted, FACTS);
  await approvals.decide(approvalId, 'approved', { ...word, at: new Date() });
  const answer = await here.approvals.answer(approvalId);
  if (answer.outcome !== 'approved') throw new Error(answer.outcome);
  await stage.at.store.sessions.end(over.containerSession ?? 0, {
    ...{ endedAt: new Date(), reason: 'unused', bytesIn: 0, bytesOut: 0 },
  });
  const late = stage.plane.openSession(over, answer.route, 'shell', FACTS);
  await expect(late).rejects.toMatchObject({ code: 'container.over' });
  const another = await waiting();
  const { sessionId } = await stage.plane.openSession(another, answer.route, 'shell', FACTS);
  expect(sessionId).toBe(another.containerSession);
  expect(await stage.at.store.sessions.get(sessionId)).toMatchObject({
    approval: { id: approvalId, approvedBy: 'lena' },
  });
  const again = stage.plane.openSession(await waiting(), answer.route, 'shell', FACTS);
  await expect(again).rejects.toMatchObject({ code: 'approval.used' });
  await stage.plane.closeSession(sessionId, 'client_closed', { bytesIn: 0, bytesOut: 0 });
});

test('a node asks the store as often for many requests as for one', async () => {
  await using here = node(60_000);
  const people = await Promise.all([somebody(), somebody(), somebody()]);
  const ids = [];
  for (const { who, wanted } of people) {
    ids.push((await here.approvals.ask(who, wanted, FACTS)).approvalId);
  }
  stage.at.calls.length = 0;
  here.changes.publish();
  await eventually('a look', () => stage.at.calls.includes('standing.of'));
  expect(stage.at.calls.slice(0, 2)).toEqual(['approvals.some', 'standing.of']);
  for (const id of ids) await here.approvals.callOff(id);
});

test('nobody waits for more than a few', async () => {
  await using here = node(60_000);
  const { who, wanted } = await somebody();
  const asked = [];
  for (let n = 0; n < MOST_PENDING; n += 1) {
    asked.push(await here.approvals.ask(who, wanted, FACTS));
  }
  const more = here.approvals.ask(who, wanted, FACTS);
  await expect(more).rejects.toMatchObject({ code: 'approval.too_many' });
  for (const { approvalId } of asked) await here.approvals.callOff(approvalId);
  const { approvalId } = await here.approvals.ask(who, wanted, FACTS);
  await here.approvals.callOff(approvalId);
});

test('what needs no approval, or allows nothing, cannot be asked for', async () => {
  await using here = node(60_000);
  const { who, wanted } = await somebody();
  const other = here.approvals.ask(who, { ...wanted, grantId: 999_999 }, FACTS);
  await expect(other).rejects.toMatchObject({ code: 'access.revoked' });
  const elsewhere = here.approvals.ask(who, { ...wanted, login: 'root' }, FACTS);
  await expect(elsewhere).rejects.toMatchObject({ code: 'access.login' });
});

test('it expires in time even while the store is away, and is written when it is back', async () => {
  await using here = node(300);
  const { who, wanted } = await somebody();
  const { approvalId } = await here.approvals.ask(who, wanted, FACTS);
  stage.at.away = true;
  try {
    expect(await here.approvals.answer(approvalId)).toMatchObject({
      outcome: 'denied',
      code: 'approval.expired',
    });
  } finally {
    stage.at.away = false;
  }
  await eventually('the row', async () => {
    const row = await stage.at.store.approvals.get(approvalId);
    return row?.status === 'expired';
  });
  expect((await stage.events('approval.expired')).at(-1)).toMatchObject({
    detail: { approval: `apr_${approvalId}` },
    ...{ before: { status: 'pending' }, after: { status: 'expired' } },
  });
});
