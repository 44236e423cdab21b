import { afterAll, beforeAll, expect, test } from 'vitest';
import { Access } from '../../src/control/access.ts';
import type { Stack } from '../../src/domain/stack.ts';
import * as example from '../store/examples.ts';
import { openShop, type Shop } from './shop.ts';
import { call } from './stage.ts';

/** What becomes of a stack's machines, and of sessions on them, when the stack or its containers change. */

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});

afterAll(() => shop.close());

let next = 0;

/** A stack that no other test knows, with the machine that its service web is. */
async function stackWithMachine(): Promise<{ readonly stack: Stack; readonly machineId: number }> {
  next += 1;
  const { stacks } = shop.stage.store;
  const shopStack = await stacks.getByName('shop');
  if (shopStack === null) throw new Error('no stack');
  const name = `own${next}-${Date.now()}`;
  const stack = await stacks.create({ ...shopStack, name, recording: 'off', login: 'root' });
  return { stack, machineId: await stacks.machineOf(stack, 'web') };
}

test('what a stack says reaches its machines at once', async () => {
  const { stacks, machines } = shop.stage.store;
  const { stack, machineId } = await stackWithMachine();
  const engine = 'tcp://10.0.0.9:2376';
  await stacks.update(stack.id, { recording: 'required', login: 'app', engine, project: 'other' });
  expect(await machines.get(machineId)).toMatchObject({
    ...{ recording: 'required', login: 'app' },
    container: { engine, choice: { stack: 'other', service: 'web' } },
  });
});

test('who read the stack before it changed does not bring back what it said', async () => {
  const { stacks, machines } = shop.stage.store;
  const { stack, machineId } = await stackWithMachine();
  await stacks.update(stack.id, { recording: 'required' });
  expect(await stacks.machineOf(stack, 'web')).toBe(machineId);
  expect(await machines.get(machineId)).toMatchObject({ recording: 'required' });
});

test('a stack that becomes one of servers has no machines of containers any more', async () => {
  const { stacks, machines } = shop.stage.store;
  const { stack, machineId } = await stackWithMachine();
  await stacks.update(stack.id, { kind: 'server', engine: null });
  expect(await machines.get(machineId)).toBeNull();
  await expect(stacks.machineOf(stack, 'web')).rejects.toMatchObject({ code: 'stack.kind' });
});

test('what a machine has from its stack is changed with the stack alone', async () => {
  const { stage, admin } = shop;
  const { machineId } = await stackWithMachine();
  const change = (body: unknown) =>
    call(stage, 'PATCH', `/v1/machines/mch_${machineId}`, { token: admin, body });
  for (const [body, field] of [
    [{ recording: 'required' }, 'recording'],
    [{ username: 'app' }, 'username'],
    [{ name: 'other' }, 'name'],
    [{ container: 'any' }, 'container'],
    [{ engine: 'tcp://10.0.0.9:2376' }, 'container'],
  ] as const) {
    const { status, body: answer } = await change(body);
    expect([status, answer.error?.details?.[0]?.field ?? answer]).toEqual([400, field]);
  }
  const { status, body } = await change({ description: 'ours', recording: 'off' });
  expect([status, body.data?.description]).toEqual([200, 'ours']);
});

test('a set-up does not change the machine of a stack under its name', async () => {
  const { stage, admin } = shop;
  const { stack, machineId } = await stackWithMachine();
  const machine = {
    ...{ name: `${stack.name}.web`, kind: 'docker', engine: 'unix:///x', container: 'any' },
    ...{ login: 'root', recording: 'off', tags: {}, description: '' },
  };
  const { status, body } = await call(stage, 'POST', '/v1/setup', {
    token: admin,
    body: { machines: [machine] },
  });
  expect([status, body.error?.details]).toEqual([
    400,
    [{ field: 'machines[0].name', message: expect.stringContaining('service of a stack') }],
  ]);
  expect(await stage.store.machines.get(machineId)).toMatchObject({
    container: { choice: { service: 'web' } },
  });
});

test('what is decided again of a container session is on its own container, while it lives', async () => {
  const { stage, ada } = shop;
  const { containerSessions, grants, machines, sessions } = stage.store;
  const { stack, machineId } = await stackWithMachine();
  const { id: grantId } = await grants.create(
    example.grant({ to: { userId: ada.id }, on: { stackId: stack.id } }),
  );
  const made = await containerSessions.create(
    example.session({ userId: ada.id, userName: 'ada', machineId, machineName: stack.name }),
    {
      ...{ stackId: stack.id, service: 'web', code: 'abcd2347', tokenId: null },
      expiresAt: new Date(Date.now() + 600_000),
    },
  );
  const containerId = 'c'.repeat(64);
  const place = { containerId, containerName: 'web-2', password: null };
  const expiresAt = new Date(Date.now() + 600_000);
  await containerSessions.ready(made.id, { ...place, expiresAt }, new Date());
  const machine = await machines.get(machineId);
  if (machine === null) throw new Error('no machine');
  const held = {
    user: { userId: ada.id, userName: 'ada', proof: null, containerSession: made.id },
    ...{ machine, login: 'root' },
    approval: { approvalId: 1, grantId },
    facts: { connectionId: 'c-1', sourceAddress: '192.0.2.7', client: 'test' },
  };
  const access = new Access(stage.store);
  const [during] = await access.standing([held]);
  expect(during).toMatchObject({
    outcome: 'allowed',
    route: { machine: { container: { choice: { name: containerId } } } },
  });
  await sessions.end(made.id, {
    ...{ endedAt: new Date(), reason: 'client_closed', bytesIn: 0, bytesOut: 0 },
  });
  const [after] = await access.standing([held]);
  expect(after).toMatchObject({ outcome: 'denied', code: 'container.over' });
});
