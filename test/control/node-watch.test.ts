import { expect, test } from 'vitest';
import { NodeWatch } from '../../src/control/node-watch.ts';
import type { Gateway } from '../../src/domain/control-plane.ts';
import { machine, session } from '../store/examples.ts';
import { HeldSession } from '../support/held-session.ts';
import { type ControlStage, openControlStage } from './stage.ts';

/** A watch of node-a's whose clock the test moves. */
function watching(stage: ControlStage) {
  let now = 0;
  const { store } = stage.at;
  const { counters, log } = stage;
  const watch = new NodeWatch({ node: 'node-a', store, counters, log, now: () => now });
  /** One look a second, as it does by itself. */
  const pass = async (seconds: number, each: () => Promise<unknown> = async () => undefined) => {
    for (let second = 0; second < seconds; second += 1) {
      now += 1000;
      await each();
      await watch.look();
    }
  };
  return { watch, pass, skip: (seconds: number) => (now += seconds * 1000) };
}

async function held(stage: ControlStage, node: string, name = `of-${node}`): Promise<number> {
  const { machines, sessions } = stage.at.store;
  const { id: machineId } = await machines.create(machine({ name }));
  const made = await sessions.create(session({ userId: stage.ada.id, machineId, node }));
  return made.id;
}

async function reason(stage: ControlStage, id: number): Promise<string | null> {
  return (await stage.at.store.sessions.get(id))?.endReason ?? null;
}

// Many looks, each a query, on a machine that may have much else to do.
test('the sessions of a node that is silent for 10 s are closed, once, and told of', {
  timeout: 60_000,
}, async () => {
  await using stage = await openControlStage();
  const { nodes } = stage.at.store;
  await nodes.claim('node-b', 'one');
  const id = await held(stage, 'node-b');
  const [one, two] = [watching(stage), watching(stage)];
  await one.pass(10);
  expect(await reason(stage, id)).toBe(null);
  await two.pass(10);
  await Promise.all([one.pass(1), two.pass(1)]);
  expect(await reason(stage, id)).toBe('node_died');
  expect(await stage.events('session.ended')).toMatchObject([{ detail: { reason: 'node_died' } }]);
  expect(await nodes.signs()).toEqual(new Map());
  await one.pass(12);
  expect(await stage.events('session.ended')).toHaveLength(1);
});

test('the sessions of a node that nobody ever heard of are closed as well', async () => {
  await using stage = await openControlStage();
  const id = await held(stage, 'gone');
  await watching(stage).pass(11);
  expect(await reason(stage, id)).toBe('node_died');
});

test('a node that lives keeps its sessions, and so does this one', async () => {
  await using stage = await openControlStage();
  const { nodes } = stage.at.store;
  await nodes.claim('node-b', 'one');
  const ids = [await held(stage, 'node-b'), await held(stage, 'node-a')];
  await watching(stage).pass(30, () => nodes.beat('node-b', 'one'));
  for (const id of ids) expect(await reason(stage, id)).toBe(null);
});

test('time in which nobody could give or see a sign does not count', async () => {
  await using stage = await openControlStage();
  await stage.at.store.nodes.claim('node-b', 'one');
  const id = await held(stage, 'node-b');
  const { pass, skip } = watching(stage);
  await pass(8);
  stage.at.away = true;
  await pass(8);
  stage.at.away = false;
  await pass(8);
  // As when the whole machine was asleep.
  skip(3600);
  await pass(8);
  expect(await reason(stage, id)).toBe(null);
  await pass(3);
  expect(await reason(stage, id)).toBe('node_died');
});

test('a session that other nodes have closed ends where it is held', async () => {
  await using stage = await openControlStage();
  const [closed, open] = [await held(stage, 'node-a'), await held(stage, 'node-c')];
  await stage.at.store.nodes.claim('node-c', 'one');
  await stage.at.store.sessions.sweep('node-a', new Date());
  const { watch } = watching(stage);
  const gateway = new HeldSession(closed);
  watch.begin(gateway, () => [closed, open]);
  await watch.look();
  await watch.close();
  expect(gateway.asked).toEqual([[closed, 'node_died', expect.stringContaining('other nodes')]]);
});

test('sessions that other nodes have closed end together, and no look waits for them', async () => {
  await using stage = await openControlStage();
  const ids = [await held(stage, 'node-a'), await held(stage, 'node-a', 'second')];
  await stage.at.store.nodes.claim('node-b', 'one');
  const theirs = await held(stage, 'node-b');
  await stage.at.store.sessions.sweep('node-a', new Date());
  const { watch, pass } = watching(stage);
  const slow = Promise.withResolvers<boolean>();
  const asked: number[] = [];
  const gateway: Gateway = {
    count: 2,
    renew: () => Promise.resolve(false),
    terminate: (id) => {
      asked.push(id);
      return slow.promise;
    },
  };
  watch.begin(gateway, () => ids);
  await pass(12);
  expect(await reason(stage, theirs)).toBe('node_died');
  expect(asked).toEqual(ids);
  slow.resolve(true);
  await watch.close();
});
