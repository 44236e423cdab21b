import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AuthorizedRoute } from '../../src/domain/access.ts';
import type { Machine, NewMachine } from '../../src/domain/machine.ts';
import { Secret } from '../../src/domain/secret.ts';
import { grant, machine } from '../store/examples.ts';
import { linesAfter, shownCertificate } from '../support/certificate-authority.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { type ControlStage, FACTS, openControlStage } from './stage.ts';

const NO_BYTES = { bytesIn: 0, bytesOut: 0 };

let stage: ControlStage;
let next = 0;
beforeAll(async () => {
  stage = await openControlStage();
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  stage.at.away = false;
  stage.at.lost = 0;
});

async function route(
  more: Partial<NewMachine> = {},
): Promise<{ route: AuthorizedRoute; machine: Machine }> {
  next += 1;
  const { machines, grants } = stage.at.store;
  const made = await machines.create(machine({ name: `m${next}`, ...more }));
  await grants.create(grant({ to: { userId: stage.ada.id }, on: { machineId: made.id } }));
  const wanted = { machine: made.name, login: null };
  const answer = await stage.plane.authorize(stage.signedIn, wanted, FACTS);
  if (answer.outcome === 'denied') throw new Error(answer.code);
  return { route: answer.route, machine: made };
}

async function open(more: Partial<NewMachine> = {}) {
  const { route: allowed, machine: made } = await route(more);
  const ticket = await stage.plane.openSession(stage.signedIn, allowed, 'shell', FACTS);
  return { ...ticket, machine: made, id: ticket.sessionId };
}

async function types(sessionId: number): Promise<readonly string[]> {
  const { rows } = await stage.at.store.audit.list({ sessionId }, { limit: 50 });
  return rows.map(({ type }) => type).reverse();
}

test('invariant 4: row, channels, recording, counters and audit of a session agree', async () => {
  const { plane, at, counters } = stage;
  const { id, machine: made } = await open();
  expect(await at.store.sessions.get(id)).toMatchObject({
    status: 'pending',
    userName: 'ada',
    userEmail: 'ada@example.org',
    machineName: made.name,
    node: 'node-a',
    ipAddress: '192.0.2.7',
    userAgent: 'OpenSSH_9.2',
  });
  expect((await counters.active()).byMachine[made.id]).toBe(1);
  await plane.sessionActive(id, made.id);
  expect((await at.store.machines.get(made.id))?.lastConnectedAt).toBeInstanceOf(Date);
  await plane.openChannel(id, { number: 1, kind: 'exec', command: 'a\0b', pty: false });
  await plane.openRecording(id, 1, `key/${id}`);
  await plane.heartbeat(id, 5, 6);
  expect(await at.store.sessions.get(id)).toMatchObject({ status: 'active', bytesOut: 6 });
  await plane.closeRecording(id, 1, 'failed', null);
  const end = { endedAt: new Date(), exitStatus: 7, exitSignal: null, bytesIn: 10, bytesOut: 20 };
  await plane.closeChannel(id, 1, end);
  await plane.closeSession(id, 'client_closed', { bytesIn: 10, bytesOut: 20 });
  expect(await at.store.sessions.get(id)).toMatchObject({
    status: 'stopped',
    endReason: 'client_closed',
    exitStatus: 7,
    bytesIn: 10,
    bytesOut: 20,
  });
  expect(await at.store.sessions.channels(id)).toMatchObject([{ exitStatus: 7, bytesOut: 20 }]);
  expect(await at.store.sessions.recordings(id)).toMatchObject([{ state: 'failed' }]);
  expect((await counters.active()).byMachine[made.id]).toBeUndefined();
  expect(await types(id)).toEqual(['session.started', 'session.ended']);
});

test('invariant 4: whoever ends it first is right; a second end changes nothing', async () => {
  const { id } = await open();
  const reasons = ['terminated', 'client_lost', 'machine_lost'] as const;
  await Promise.all(reasons.map((reason) => stage.plane.closeSession(id, reason, NO_BYTES)));
  await stage.plane.closeSession(id, 'internal_error', { bytesIn: 9, bytesOut: 9 });
  const session = await stage.at.store.sessions.get(id);
  expect(session).toMatchObject({ endReason: 'terminated', status: 'stopped', bytesIn: 0 });
  const ends = await stage.at.store.audit.list(
    { sessionId: id, type: 'session.ended' },
    { limit: 9 },
  );
  expect(ends.rows.map(({ detail }) => detail)).toEqual([
    { reason: 'terminated', bytes_in: 0, bytes_out: 0 },
  ]);
});

test('invariant 4: an end whose answer is lost has its one event all the same', async () => {
  const { id } = await open();
  await stage.plane.sessionActive(id, 1);
  stage.at.lost = 1;
  await stage.plane.closeSession(id, 'client_closed', NO_BYTES);
  expect(await stage.at.store.sessions.get(id)).toMatchObject({ endReason: 'client_closed' });
  expect((await types(id)).filter((type) => type === 'session.ended')).toHaveLength(1);
});

test('what ends while the store is away is written when it is back, in order, once', async () => {
  const { plane, at } = stage;
  const { id, machine: made } = await open();
  at.away = true;
  const all = [
    plane.sessionActive(id, made.id),
    plane.openChannel(id, { number: 1, kind: 'shell', command: null, pty: true }),
    plane.closeSession(id, 'client_lost', { bytesIn: 1, bytesOut: 2 }),
  ];
  await plane.heartbeat(id, 1, 1);
  await eventually('a try', () => at.calls.includes('sessions.activate'));
  at.away = false;
  await Promise.all(all);
  expect(await at.store.sessions.get(id)).toMatchObject({ endReason: 'client_lost', bytesOut: 2 });
  const [channel] = await at.store.sessions.channels(id);
  expect(channel?.endedAt).toBeInstanceOf(Date);
});

test('a session that cannot be noted is not begun: no ticket, no count', async () => {
  const { route: allowed } = await route();
  const before = (await stage.counters.active()).sessions;
  stage.at.away = true;
  await expect(
    stage.plane.openSession(stage.signedIn, allowed, 'shell', FACTS),
  ).rejects.toMatchObject({ code: 'store.down' });
  stage.at.away = false;
  expect((await stage.counters.active()).sessions).toBe(before);
});

test('a machine that was removed since the decision has no session', async () => {
  const { route: allowed, machine: made } = await route();
  await stage.at.store.machines.remove(made.id);
  await expect(
    stage.plane.openSession(stage.signedIn, allowed, 'shell', FACTS),
  ).rejects.toMatchObject({ code: 'access.unknown_machine' });
});

test('invariant 8: counters that fail stop nothing, and can be rebuilt from the database', async () => {
  const { id, machine: made } = await open();
  const count = stage.counters.count.bind(stage.counters);
  stage.counters.count = () => Promise.resolve();
  await stage.plane.closeSession(id, 'client_closed', NO_BYTES);
  stage.counters.count = count;
  expect(await stage.at.store.sessions.get(id)).toMatchObject({ status: 'stopped' });
  expect((await stage.counters.active()).byMachine[made.id]).toBe(1);
  await stage.counters.rebuild();
  expect((await stage.counters.active()).byMachine[made.id]).toBeUndefined();
});

test.each<[NewMachine['credential'], unknown]>([
  [{ type: 'none' }, { type: 'none' }],
  [{ type: 'agent' }, { type: 'agent' }],
  [
    { type: 'password', password: new Secret('p4ss') },
    { type: 'password', password: 'p4ss' },
  ],
  [
    { type: 'key', privateKey: new Secret('a private key') },
    { type: 'publickey', privateKey: 'a private key' },
  ],
  [{ type: 'bastion_key' }, { type: 'publickey', privateKey: 'the key of the bastion' }],
])('the ticket holds what the machine is logged in to with: %j', async (credential, expected) => {
  expect((await open({ credential })).credential).toEqual(expected);
});

needs('ssh-keygen').describe('a ticket with a certificate', () => {
  test('names user and session, and gives no more than the grant', async () => {
    const { route: allowed, machine: made } = await route({ credential: { type: 'certificate' } });
    await stage.at.store.grants.create(
      grant({
        to: { userId: stage.ada.id },
        on: { machineId: made.id },
        allow: ['x11'],
        until: new Date(Date.now() - 1000),
      }),
    );
    const { credential, sessionId } = await stage.plane.openSession(
      stage.signedIn,
      allowed,
      'shell',
      FACTS,
    );
    if (credential.type !== 'certificate') throw new Error(credential.type);
    const shown = await shownCertificate(credential.certificate);
    expect(shown).toContain(`Key ID: "postern:ada:sess_${sessionId}"`);
    expect(shown).toContain(`Signing CA: ED25519 ${stage.certificates.fingerprint}`);
    expect(linesAfter(shown, 'Principals:')).toEqual([made.login]);
    expect(linesAfter(shown, 'Extensions:')).toEqual(['permit-pty', 'permit-user-rc']);
    expect(linesAfter(shown, 'Critical Options:')).toEqual([]);
  });
});

test('the ticket has the machines on the way, the outermost in front, each with its own', async () => {
  const { machines } = stage.at.store;
  const outer = await machines.create(machine({ name: 'outer', login: 'hop', hostKey: 'k 1' }));
  const inner = machine({ name: 'inner', jump: 'outer', credential: { type: 'bastion_key' } });
  await machines.create(inner);
  const { hops } = await open({ jump: 'inner' });
  expect(hops).toMatchObject([
    { machine: { id: outer.id, name: 'outer', hostKey: 'k 1' }, login: 'hop' },
    { machine: { name: 'inner' }, credential: { privateKey: 'the key of the bastion' } },
  ]);
  await machines.update(outer.id, { jump: 'inner' });
  await expect(open({ jump: 'inner' })).rejects.toMatchObject({
    code: 'machine.jump',
    message: expect.stringMatching(/m\d+ -> inner -> outer -> inner$/),
  });
});

test('invariant 7: no credential is in a log line or in an event', async () => {
  await open({ credential: { type: 'password', password: new Secret('sw0rdf1sh') } });
  await stage.events('session.started');
  const { rows } = await stage.at.store.audit.list({}, { limit: 100 });
  expect(JSON.stringify([rows, stage.log.lines])).not.toMatch(/sw0rdf1sh|key of the bastion/);
});

test('what a client calls itself is kept fit for a screen', async () => {
  const { route: allowed } = await route();
  const facts = { ...FACTS, client: `\u001b[2J${'x'.repeat(1000)}` };
  const { sessionId } = await stage.plane.openSession(stage.signedIn, allowed, 'exec', facts);
  const session = await stage.at.store.sessions.get(sessionId);
  expect(session?.userAgent.startsWith('\\x1b[2Jxxx')).toBe(true);
  expect(session?.userAgent.length).toBeLessThan(300);
});
