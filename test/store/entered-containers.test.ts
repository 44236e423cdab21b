import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EnteredContainer } from '../../src/domain/entered-container.ts';
import type { EndReason } from '../../src/domain/session.ts';
import { type DatabaseKind, onBothDatabases, testStore } from '../support/database.ts';
import { machine, session, user } from './examples.ts';

const ENTERED: EnteredContainer = {
  engine: 'unix:///var/run/docker.sock',
  pod: null,
  containerId: 'c'.repeat(64),
  login: 'root',
  mark: 'm'.repeat(32),
};

async function stage(kind: DatabaseKind) {
  const opened = await testStore(kind);
  const { users, machines, sessions, enteredContainers } = opened.store;
  const { id: userId } = await users.create(user({ name: 'ada' }));
  const { id: machineId } = await machines.create(machine({ name: 'web1' }));
  const begin = async (entered = ENTERED): Promise<number> => {
    const { id } = await sessions.create(session({ userId, machineId }));
    await enteredContainers.add(id, entered);
    return id;
  };
  const end = (id: number, reason: EndReason, endedAt: Date) =>
    sessions.end(id, { endedAt, reason, bytesIn: 0, bytesOut: 0 });
  return { ...opened, entered: enteredContainers, begin, end };
}

onBothDatabases('containers that sessions have programs in', (kind) => {
  let here: Awaited<ReturnType<typeof stage>>;
  beforeAll(async () => {
    here = await stage(kind);
  });
  afterAll(() => here[Symbol.asyncDispose]());

  const at = new Date('2026-01-02T03:04:05Z');
  const before = new Date('2026-01-02T03:00:00Z');
  const left = async (id: number, { endedBefore = before, node = 'node-a' } = {}) => {
    const due = { node, endedBefore, anybodysBefore: before };
    return (await here.entered.left(due, 1000)).find(({ sessionId }) => sessionId === id);
  };

  test('are looked at for what is left once their session was ended by nobody but a death', async () => {
    const id = await here.begin();
    expect(await left(id, { endedBefore: new Date() })).toBeUndefined();
    await here.end(id, 'node_died', at);
    expect(await left(id)).toEqual({
      ...ENTERED,
      ...{ sessionId: id, node: expect.any(String), endedAt: at },
    });
  });

  test('are looked at after any other end when that is a while ago, or something outlived it', async () => {
    const [late, soon] = [await here.begin(), await here.begin()];
    await here.entered.outlived(soon);
    expect(await left(soon)).toBeUndefined();
    for (const id of [late, soon]) await here.end(id, 'client_closed', at);
    expect(await left(late)).toBeUndefined();
    const aWhileAgo = { endedBefore: new Date(at.getTime() + 1) };
    expect(await left(late, aWhileAgo)).toMatchObject({ sessionId: late });
    expect(await left(soon)).toMatchObject({ sessionId: soon });
  });

  test('are left to the node of their session, until it died or long ago has not come to it', async () => {
    const [soon, long] = [await here.begin(), await here.begin()];
    await here.entered.outlived(soon);
    await here.end(soon, 'client_closed', at);
    await here.end(long, 'client_closed', new Date(before.getTime() - 1));
    const other = { node: 'node-b', endedBefore: new Date() };
    expect(await left(soon, other)).toBeUndefined();
    expect(await left(long, other)).toMatchObject({ sessionId: long, node: 'node-a' });
    await here.entered.remove(long);
  });

  test('may be of pods, which their ids do not lead to', async () => {
    const pod = { namespace: 'shop', name: 'web-0', container: 'nginx' };
    const id = await here.begin({ ...ENTERED, engine: 'prod', pod });
    await here.end(id, 'node_died', at);
    expect(await left(id)).toMatchObject({ engine: 'prod', pod });
  });

  test('are forgotten when nothing is left, and noted once', async () => {
    const id = await here.begin();
    await here.entered.add(id, { ...ENTERED, mark: 'other' });
    await here.end(id, 'node_died', at);
    expect(await left(id)).toMatchObject({ mark: ENTERED.mark });
    await here.entered.remove(id);
    expect(await left(id)).toBeUndefined();
  });
});
