import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuthorizedRoute } from '../../src/domain/access.ts';
import type { ControlPlane, Credential, SignedIn } from '../../src/domain/control-plane.ts';
import { PosternError } from '../../src/domain/errors.ts';
import { machine, seal, user } from '../store/examples.ts';
import {
  type AskedPlane,
  atHand,
  FACTS,
  openPlaneStage,
  PASSWORD,
  type PlaneStage,
  throughProcess,
} from './planes.ts';

const WAYS = [
  ['at hand', atHand],
  ['through another process', throughProcess],
] as const;

const RECEIPT = {
  key: '2026/11/22/1-1.cast',
  size: 120,
  recordedBytes: 60,
  duration: 1.5,
  sha256: 'ab'.repeat(32),
  seal: seal(2, 110),
};

describe.each(WAYS)('the control plane, %s,', (_name, open) => {
  let stage: PlaneStage;
  let asked: AskedPlane;
  let plane: ControlPlane;
  let alice: SignedIn;
  beforeAll(async () => {
    stage = await openPlaneStage();
    asked = await open(stage.local);
    plane = asked.plane;
    alice = { userId: stage.alice.id, userName: 'alice', proof: null };
  });
  afterAll(async () => {
    await asked?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  async function route(): Promise<AuthorizedRoute> {
    const answer = await plane.authorize(alice, { machine: 'web1', login: null }, FACTS);
    if (answer.outcome === 'denied') throw new Error(answer.code);
    return answer.route;
  }

  async function session(): Promise<number> {
    return (await plane.openSession(alice, await route(), 'shell', FACTS)).sessionId;
  }

  test('tells right credentials from wrong ones', async () => {
    const password = (text: string): Credential => ({ type: 'password', password: text });
    const key = (proven: boolean): Credential => ({ type: 'publickey', proven, ...stage.key });
    const accepted = (type: string) => ({
      outcome: 'accepted',
      user: { ...alice, proof: expect.objectContaining({ type }) },
    });
    const byPassword = await plane.authenticate('alice', password(PASSWORD), FACTS);
    expect(byPassword).toEqual(accepted('password'));
    expect(await plane.authenticate('alice', password('wrong'), FACTS)).toEqual({
      outcome: 'rejected',
      reason: 'password',
    });
    expect(await plane.authenticate('alice', key(false), FACTS)).toEqual({ outcome: 'acceptable' });
    expect(await plane.authenticate('alice', key(true), FACTS)).toEqual(accepted('publickey'));
    expect(await plane.authenticate('nobody', key(true), FACTS)).toEqual({
      outcome: 'rejected',
      reason: 'publickey',
    });
  });

  test('allows a route, with its dates', async () => {
    const allowed = await route();
    expect(allowed.machine).toEqual(await stage.store.machines.get(stage.web1.id));
    expect(allowed.machine.createdAt).toBeInstanceOf(Date);
    expect(allowed.terms).toEqual([
      expect.objectContaining({ until: new Date('2999-01-01'), maxSession: null }),
    ]);
  });

  test('denies one with a code and its parameters', async () => {
    expect(await plane.authorize(alice, { machine: 'web9', login: null }, FACTS)).toEqual({
      outcome: 'denied',
      code: 'access.unknown_machine',
      params: { machine: 'web9' },
    });
  });

  test('lists what may be reached, with its dates', async () => {
    await session();
    expect(await plane.reachable(alice, FACTS)).toEqual([
      {
        name: 'web1',
        address: 'web1.example.org',
        tags: {},
        lastUsedAt: expect.any(Date) as unknown,
      },
    ]);
  });

  test('knows a machine by name and by address, for those whose grants concern it', async () => {
    const { host, port } = stage.web1;
    const byName = await plane.jump(alice, { host: 'WEB1', port: 22 }, FACTS);
    expect(byName).toMatchObject({ outcome: 'machine', machine: 'web1' });
    // Made anew for each connection.
    const certificate = expect.stringMatching(/^ssh-ed25519-cert-v01@openssh.com AAAA/);
    const byAddress = await plane.jump(alice, { host, port }, FACTS);
    expect(byAddress).toEqual({ ...byName, certificate });
    const unknown = { outcome: 'unknown' };
    expect(await plane.jump(alice, { host: 'web1', port: 8080 }, FACTS)).toEqual(unknown);
    expect(await plane.jump(alice, { host: 'web9', port: 22 }, FACTS)).toEqual(unknown);
    const bob = await stage.store.users.create(user({ name: `bob-${crypto.randomUUID()}` }));
    const other = { userId: bob.id, userName: bob.name, proof: null };
    expect(await plane.jump(other, { host: 'web1', port: 22 }, FACTS)).toEqual(unknown);
  });

  test('opens a session with the credentials of its machine', async () => {
    const ticket = await plane.openSession(alice, await route(), 'exec', FACTS);
    expect(ticket.credential).toEqual({ type: 'password', password: 'of the machine' });
    expect(await stage.store.sessions.get(ticket.sessionId)).toMatchObject({
      userName: 'alice',
      machineName: 'web1',
      kind: 'exec',
      status: 'pending',
      ipAddress: FACTS.sourceAddress,
      userAgent: FACTS.client,
    });
  });

  test('refuses a session in words that the user may read, without the cause', async () => {
    const gone = await stage.store.machines.create(machine({ name: 'gone' }));
    const { terms, ...rest } = await route();
    const wrong = { ...rest, terms, machine: gone };
    await stage.store.machines.remove(gone.id);
    const refused = plane.openSession(alice, wrong, 'shell', FACTS);
    await expect(refused).rejects.toBeInstanceOf(PosternError);
    await expect(refused).rejects.toMatchObject({
      code: 'access.unknown_machine',
      params: { machine: 'gone' },
      message: 'no machine gone that you may reach',
    });
  });

  test('pins the first host key of a machine, and knows another one', async () => {
    const id = await session();
    const key = (name: string) => ({
      line: `ssh-ed25519 ${Buffer.from(name).toString('base64')}`,
      fingerprint: `SHA256:${name}`,
    });
    const trusted = { outcome: 'trusted' };
    expect(await plane.checkHostKey(id, stage.web1.id, key('one'))).toEqual(trusted);
    expect(await plane.checkHostKey(id, stage.web1.id, key('one'))).toEqual(trusted);
    expect(await plane.checkHostKey(id, stage.web1.id, key('two'))).toEqual({
      outcome: 'changed',
      expected: key('one').line,
    });
  });

  test('writes facts in the order in which they were reported', async () => {
    const id = await session();
    const endedAt = new Date('2030-01-02T03:04:05.678Z');
    await Promise.all([
      plane.sessionActive(id, stage.web1.id),
      plane.openChannel(id, { number: 1, kind: 'exec', command: 'true', pty: false }),
      plane.openRecording(id, 1, `${RECEIPT.key}.${id}`),
      plane.sealRecording(id, 1, seal(1, 50)),
      plane.closeRecording(id, 1, 'complete', { ...RECEIPT, key: `${RECEIPT.key}.${id}` }),
      plane.closeChannel(id, 1, {
        endedAt,
        exitStatus: 3,
        exitSignal: null,
        bytesIn: 1,
        bytesOut: 2,
      }),
      plane.closeSession(id, 'client_closed', { bytesIn: 1, bytesOut: 2 }),
      plane.closeSession(id, 'terminated', { bytesIn: 9, bytesOut: 9 }),
    ]);
    const { sessions } = stage.store;
    expect(await sessions.get(id)).toMatchObject({
      status: 'stopped',
      endReason: 'client_closed',
      bytesIn: 1,
      bytesOut: 2,
    });
    expect(await sessions.channels(id)).toEqual([
      expect.objectContaining({ command: 'true', exitStatus: 3, endedAt }),
    ]);
    const recordings = await sessions.recordings(id);
    expect(recordings).toEqual([
      expect.objectContaining({ state: 'complete', size: 120, sha256: RECEIPT.sha256 }),
    ]);
    expect(await stage.store.seals.list(recordings[0]?.id ?? 0)).toEqual([
      seal(1, 50),
      RECEIPT.seal,
    ]);
  });

  test('counts a session from its opening to its end', async () => {
    const before = (await stage.counters.active()).sessions;
    const id = await session();
    expect((await stage.counters.active()).sessions).toBe(before + 1);
    await plane.closeSession(id, 'client_lost', { bytesIn: 0, bytesOut: 0 });
    expect((await stage.counters.active()).sessions).toBe(before);
  });

  test('takes a heartbeat with the bytes so far', async () => {
    const id = await session();
    await plane.heartbeat(id, 10, 20);
    expect(await stage.store.sessions.get(id)).toMatchObject({ bytesIn: 10, bytesOut: 20 });
  });

  test('notes what only the gateway knows', async () => {
    const detail = { capability: 'shell', wanted: null, times: 2, again: true };
    await plane.note('channel.denied', {
      user: alice,
      userName: 'alice',
      machineId: stage.web1.id,
      sessionId: null,
      facts: FACTS,
      detail,
    });
    const page = await stage.store.audit.list({ type: 'channel.denied' }, { limit: 10 });
    expect(page.rows).toEqual([
      expect.objectContaining({ actor: 'alice', source: FACTS.sourceAddress, detail }),
    ]);
  });

  test('settles facts about a session that nobody knows', async () => {
    const unknown = 999_999;
    await Promise.all([
      plane.sessionActive(unknown, stage.web1.id),
      plane.openChannel(unknown, { number: 1, kind: 'shell', command: null, pty: true }),
      plane.closeSession(unknown, 'client_lost', { bytesIn: 0, bytesOut: 0 }),
    ]);
    expect(await stage.store.sessions.get(unknown)).toBeNull();
  });
});
