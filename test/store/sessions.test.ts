import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Session } from '../../src/domain/session.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { machine, seal, session, user } from './examples.ts';

const END = { reason: 'client_closed', bytesIn: 10, bytesOut: 2000 } as const;
const minute = (n: number): Date => new Date(Date.UTC(2026, 2, 1, 10, n));

onBothDatabases('sessions', (kind) => {
  let opened: TestStore;
  let who: { readonly userId: number; readonly machineId: number };

  beforeAll(async () => {
    opened = await testStore(kind);
    const { users, machines } = opened.store;
    const ada = await users.create(user({ name: 'ada' }));
    const web1 = await machines.create(machine({ name: 'web1' }));
    who = { userId: ada.id, machineId: web1.id };
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  const begun = (change: Parameters<typeof session>[0] | object = {}): Promise<Session> =>
    opened.store.sessions.create(session({ ...who, ...change }));

  test('a session begins pending, with nothing counted', async () => {
    const made = await begun({ kind: 'exec' });
    expect(made).toMatchObject({
      ...session({ ...who, kind: 'exec' }),
      status: 'pending',
      lastActivity: made.startedAt,
      endedAt: null,
      endReason: null,
      exitStatus: null,
      bytesIn: 0,
      bytesOut: 0,
      commandsCount: 0,
    });
    expect(await opened.store.sessions.get(made.id)).toEqual(made);
    expect(await opened.store.sessions.get(999_999)).toBeNull();
  });

  test('a session of an unknown user or machine is refused by name', async () => {
    await expect(begun({ userId: 4242 })).rejects.toMatchObject({ message: 'no user 4242' });
    await expect(begun({ machineId: 4242 })).rejects.toMatchObject({ message: 'no machine 4242' });
  });

  test('status goes forward only', async () => {
    const { sessions } = opened.store;
    const { id } = await begun();
    expect(await sessions.activate(id, minute(1))).toBe(true);
    expect(await sessions.activate(id, minute(2))).toBe(false);
    expect(await sessions.end(id, { ...END, endedAt: minute(3) })).toBe(true);
    const ended = await sessions.get(id);
    expect(ended).toMatchObject({
      status: 'stopped',
      endReason: 'client_closed',
      endedAt: minute(3),
      bytesOut: 2000,
    });
    expect(await sessions.activate(id, minute(4))).toBe(false);
    expect(await sessions.end(id, { ...END, reason: 'terminated', endedAt: minute(5) })).toBe(
      false,
    );
    await sessions.touch(id, minute(6), 99_999, 99_999);
    expect(await sessions.get(id)).toEqual(ended);
  });

  test('a session can end before it was active, and a failure is one', async () => {
    const { sessions } = opened.store;
    const { id } = await begun();
    await sessions.end(id, { ...END, reason: 'machine_unreachable', endedAt: minute(1) });
    expect((await sessions.get(id))?.status).toBe('failed');
    expect(await sessions.end(999_999, { ...END, endedAt: minute(1) })).toBe(false);
  });

  test('of twenty that end a session at once, one does', async () => {
    const { sessions } = opened.store;
    const { id } = await begun();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        sessions.end(id, { ...END, bytesIn: i, endedAt: minute(i) }),
      ),
    );
    expect(answers.filter(Boolean)).toHaveLength(1);
    const ended = await sessions.get(id);
    const winner = answers.indexOf(true);
    expect(ended).toMatchObject({ bytesIn: winner, endedAt: minute(winner) });
  });

  test('heartbeats that overtake each other leave the furthest', async () => {
    const { sessions } = opened.store;
    const { id } = await begun();
    await sessions.touch(id, minute(9), 500, 5_000_000_000);
    await sessions.touch(id, minute(8), 400, 4_000_000_000);
    expect(await sessions.get(id)).toMatchObject({
      lastActivity: minute(9),
      bytesIn: 500,
      bytesOut: 5_000_000_000,
    });
  });

  test('channels are noted once, and close with their session', async () => {
    const { sessions } = opened.store;
    const { id } = await begun();
    const channel = { sessionId: id, command: null, pty: true, startedAt: minute(1) };
    await sessions.openChannel({ ...channel, number: 1, kind: 'shell' });
    await sessions.openChannel({ ...channel, number: 2, kind: 'exec', command: 'ls', pty: false });
    await sessions.openChannel({ ...channel, number: 3, kind: 'forward' });
    await expect(
      sessions.openChannel({ ...channel, number: 3, kind: 'sftp' }),
    ).rejects.toMatchObject({ code: 'thing.exists' });
    await expect(
      sessions.openChannel({ ...channel, sessionId: 999_999, number: 1, kind: 'sftp' }),
    ).rejects.toMatchObject({ code: 'thing.not_found' });
    expect((await sessions.get(id))?.commandsCount).toBe(1);

    const closed = { exitStatus: 7, exitSignal: null, bytesIn: 1, bytesOut: 2, endedAt: minute(2) };
    await sessions.closeChannel(id, 2, closed);
    await sessions.closeChannel(id, 2, { ...closed, exitStatus: 8, endedAt: minute(3) });
    expect((await sessions.get(id))?.exitStatus).toBe(7);
    await sessions.closeChannel(id, 1, { ...closed, exitStatus: null, exitSignal: 'KILL' });
    expect((await sessions.get(id))?.exitStatus).toBe(137);
    await sessions.end(id, { ...END, endedAt: minute(9) });
    expect(await sessions.channels(id)).toMatchObject([
      { number: 1, exitSignal: 'KILL', pty: true, endedAt: minute(2) },
      { number: 2, command: 'ls', exitStatus: 7, bytesOut: 2, endedAt: minute(2) },
      { number: 3, exitStatus: null, endedAt: minute(9) },
    ]);
    expect((await sessions.get(id))?.exitStatus).toBe(137);
  });

  test('whatever a client says is stored, and the largest exit status', async () => {
    const { sessions } = opened.store;
    const { id, userAgent } = await begun({ userAgent: 'SSH-2.0-\0\ud800x' });
    expect(userAgent).toBe('SSH-2.0-\ufffd\ufffdx');
    const channel = { sessionId: id, number: 1, kind: 'exec', pty: false } as const;
    await sessions.openChannel({ ...channel, command: 'echo \0', startedAt: minute(1) });
    const end = { exitStatus: 0xffff_ffff, exitSignal: null, bytesIn: 0, bytesOut: 0 };
    await sessions.closeChannel(id, 1, { ...end, endedAt: minute(2) });
    expect(await sessions.channels(id)).toMatchObject([{ command: 'echo \ufffd' }]);
    expect((await sessions.get(id))?.exitStatus).toBe(0xffff_ffff);
    const found = await sessions.list({ statuses: null, search: '\0' }, { limit: 1 });
    expect(found.rows).toEqual([]);
  });

  test('a recording is opened and closed once', async () => {
    const { sessions } = opened.store;
    const { id } = await begun();
    const one = { sessionId: id, channel: 1, key: `k/${id}`, startedAt: minute(1) };
    const facts = { size: 6e9, recordedBytes: 5, duration: 1.25, sha256: 'ab' };
    const receipt = { key: one.key, ...facts, seal: seal(1, 6e9 - 100) };
    await sessions.openRecording(one);
    await expect(sessions.openRecording(one)).rejects.toMatchObject({ code: 'thing.exists' });
    expect(await sessions.recordings(id)).toMatchObject([
      { ...one, state: 'recording', size: null, endedAt: null },
    ]);
    await sessions.closeRecording(id, 1, 'complete', receipt, minute(2));
    await sessions.closeRecording(id, 1, 'failed', null, minute(3));
    expect(await sessions.recordings(id)).toMatchObject([
      { state: 'complete', size: 6e9, duration: 1.25, sha256: 'ab', endedAt: minute(2) },
    ]);
  });

  test('a node that died leaves nothing live; other nodes do not notice', async () => {
    const { sessions } = opened.store;
    const pending = await begun({ node: 'dead' });
    const active = await begun({ node: 'dead' });
    const over = await begun({ node: 'dead' });
    const other = await begun({ node: 'alive' });
    await sessions.activate(active.id, minute(1));
    await sessions.end(over.id, { ...END, endedAt: minute(1) });
    await sessions.openChannel({
      sessionId: active.id,
      number: 1,
      kind: 'shell',
      command: null,
      pty: true,
      startedAt: minute(1),
    });
    const swept = await sessions.sweep('dead', minute(7));
    expect(swept.map((row) => row.id)).toEqual([pending.id, active.id]);
    expect(swept[1]).toMatchObject({ endReason: 'node_died', endedAt: minute(7) });
    expect(await sessions.get(over.id)).toMatchObject({ endReason: 'client_closed' });
    expect(await sessions.channels(active.id)).toMatchObject([{ endedAt: minute(7) }]);
    expect(await sessions.sweep('dead', minute(8))).toEqual([]);
    const live = (await sessions.live()).map((row) => row.id);
    expect(live).toContain(other.id);
    expect(live).not.toContain(active.id);
  });

  test('the names stay when user and machine go', async () => {
    const { users, machines, sessions } = opened.store;
    const leaver = await users.create(user({ name: 'leaver' }));
    const old = await machines.create(machine({ name: 'old' }));
    const made = await begun({
      userId: leaver.id,
      userName: 'leaver',
      machineId: old.id,
      machineName: 'old',
    });
    await users.remove(leaver.id);
    await machines.remove(old.id);
    expect(await sessions.get(made.id)).toEqual({ ...made, userId: null, machineId: null });
  });
});
