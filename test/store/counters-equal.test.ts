import { Redis } from 'ioredis';
import { describe, expect, inject, test } from 'vitest';
import type { CountedSession, Counters } from '../../src/domain/counters.ts';
import type { Session } from '../../src/domain/session.ts';
import type { Store } from '../../src/domain/store.ts';
import { openCounters } from '../../src/store/counters.ts';
import { testStore } from '../support/database.ts';
import { environment } from '../support/environment.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { settings } from './counted.ts';
import { machine, session, user } from './examples.ts';

const LIFECYCLES = 2000;
const AT_ONCE = 50;
const DAYS = ['2026-03-01', '2026-03-02', '2026-02-01'] as const;
const REASONS = ['client_closed', 'machine_unreachable', 'terminated', 'recording_failed'] as const;

/** Numbers below 1 that are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

interface World {
  readonly store: Store;
  readonly random: () => number;
  readonly users: number[];
  readonly machines: number[];
  /** Of each node; a crash leaves the place to another process. */
  readonly nodes: Map<string, Counters>;
  readonly open: () => Promise<Counters>;
}

function oneOf<T>({ random }: World, all: readonly T[]): T {
  const one = all[Math.floor(random() * all.length)];
  if (one === undefined) throw new Error('none to choose from');
  return one;
}

/** Tells it, now and then twice at once. */
async function tell(world: World, node: string, row: CountedSession): Promise<void> {
  const times = world.random() < 0.2 ? 2 : 1;
  await Promise.all(Array.from({ length: times }, () => world.nodes.get(node)?.count(row)));
}

/** Whom or what was chosen may be removed meanwhile: then somebody else's on another one. */
async function begin(world: World, node: string, startedAt: Date): Promise<Session> {
  for (let tries = 1; ; tries++) {
    const of = { userId: oneOf(world, world.users), machineId: oneOf(world, world.machines) };
    try {
      return await world.store.sessions.create(session({ ...of, node, startedAt }));
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

/** Somebody or something goes, and another one comes; then all processes count anew at once, some twice. */
async function remove(world: World): Promise<void> {
  const { random, store, nodes } = world;
  const isUser = random() < 0.5;
  const name = `new${Math.floor(random() * 1e9)}`;
  const [all, made] = isUser
    ? [world.users, await store.users.create(user({ name }))]
    : [world.machines, await store.machines.create(machine({ name }))];
  const [gone = 0] = all.splice(Math.floor(random() * all.length), 1, made.id);
  await (isUser ? store.users : store.machines).remove(gone);
  const asking = [...nodes.values()].flatMap((counters) => [counters, counters]);
  // One that fails is made good before it answers again.
  await Promise.all(asking.map((counters) => counters.rebuild().catch(() => undefined)));
}

/** As retention does it, or an admin: the session stays. */
async function recordAndRemove({ store }: World, sessionId: number): Promise<void> {
  const [startedAt, key] = [new Date(), `key-${sessionId}`];
  const channel = { sessionId, number: 1, kind: 'shell', command: null, pty: true } as const;
  await store.sessions.openChannel({ ...channel, startedAt });
  await store.sessions.openRecording({ sessionId, channel: 1, key, startedAt });
  await store.sessions.closeRecording(sessionId, 1, 'failed', null, startedAt);
  for (const { id } of await store.sessions.recordings(sessionId)) {
    await store.recordings.remove(id, 'retention', startedAt);
  }
}

/** Answers the node if that died on the way: between what it wrote and what it would have told. */
async function live(world: World): Promise<string | null> {
  const { random, store } = world;
  const node = oneOf(world, [...world.nodes.keys()]);
  const day = oneOf(world, DAYS);
  const startedAt = new Date(Date.parse(`${day}T00:00:00Z`) + Math.floor(random() * 86_400_000));
  const begun = await begin(world, node, startedAt);
  if (random() < 0.005) return node;
  await tell(world, node, begun);
  if (random() < 0.02) await world.nodes.get(node)?.rebuild();
  if (random() < 0.003) await remove(world);
  if (random() < 0.3) await store.sessions.activate(begun.id, begun.startedAt);
  if (random() < 0.2) return null;
  const bytes = { bytesIn: Math.floor(random() * 1e6), bytesOut: Math.floor(random() * 1e9) };
  const reason = oneOf(world, REASONS);
  await store.sessions.end(begun.id, { endedAt: new Date(), reason, ...bytes });
  if (random() < 0.005) return node;
  if (random() < 0.02) await recordAndRemove(world, begun.id);
  const ended = await store.sessions.get(begun.id);
  if (random() < 0.003) await remove(world);
  if (ended !== null) await tell(world, node, ended);
  // An answer that was lost is asked for again, and may come after all.
  if (day !== DAYS[2] && random() < 0.2)
    await tell(world, node, oneOf(world, [begun, ended ?? begun]));
  return null;
}

async function restart(world: World, node: string): Promise<void> {
  await world.nodes.get(node)?.close();
  const counters = await world.open();
  world.nodes.set(node, counters);
  await world.store.sessions.sweep(node, new Date());
  await counters.rebuild();
}

async function isEqual({ store, nodes }: World, what: string): Promise<void> {
  const [today, yesterday] = [DAYS[1], DAYS[0]];
  const all = async (counts: Pick<Counters, 'active' | 'day'>) => ({
    active: await counts.active(),
    today: await counts.day(today),
    yesterday: await counts.day(yesterday),
  });
  const expected = await all(store.counts);
  for (const counters of nodes.values()) {
    const counted = await eventually(`${what}: an answer`, () => all(counters).catch(() => null));
    expect(counted, what).toEqual(expected);
  }
}

async function lifecycles(world: World, disturb: (round: number) => Promise<boolean>) {
  for (const node of world.nodes.keys()) await restart(world, node);
  for (let round = 0; round < LIFECYCLES / AT_ONCE; round++) {
    const crashed = await Promise.all(Array.from({ length: AT_ONCE }, () => live(world)));
    for (const node of new Set(crashed)) if (node !== null) await restart(world, node);
    if (await disturb(round)) continue;
    await isEqual(world, `round ${round}`);
  }
  const { sessions } = await world.store.counts.day(DAYS[1]);
  expect(sessions).toBeGreaterThan(LIFECYCLES / 5);
  for (const counters of world.nodes.values()) await counters.close();
}

async function worldOf(
  store: Store,
  nodes: readonly string[],
  open: () => Promise<Counters>,
): Promise<World> {
  const [users, machines]: [number[], number[]] = [[], []];
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    users.push((await store.users.create(user({ name }))).id);
    machines.push((await store.machines.create(machine({ name }))).id);
  }
  const places = new Map<string, Counters>();
  for (const node of nodes) places.set(node, await open());
  return { ...{ store, users, machines, open }, random: numbers(20_260_302), nodes: places };
}

describe('2000 lives of sessions, with crashes, retries, restarts and removals', () => {
  test('leave counters in process equal to the database', { timeout: 240_000 }, async () => {
    await using opened = await testStore('embedded');
    const { store } = opened;
    const open = () => openCounters({ ...settings, redisUrl: null, truth: store.counts });
    await lifecycles(await worldOf(store, ['one'], open), () => Promise.resolve(false));
  });
});

const isGiven = environment.has('POSTERN_TEST_REDIS_URL') && environment.has('POSTERN_TEST_PG_URL');
const given = isGiven ? { describe } : needs('redis-server', 'postgres');

given.describe(
  '2000 lives of sessions on two nodes, with removals and a Redis that is lost now and then',
  () => {
    test('leave the counters equal to the database', { timeout: 240_000 }, async () => {
      await using opened = await testStore('postgres');
      const { store } = opened;
      const redisUrl = `${inject('redisUrl')}/14`;
      const redis = new Redis(redisUrl);
      await redis.flushdb();
      const open = () => openCounters({ ...settings, redisUrl, truth: store.counts });
      const world = await worldOf(store, ['one', 'two'], open);
      await lifecycles(world, async (round) => {
        if (round % 10 !== 9) return false;
        await redis.flushdb();
        // It is not there for one to whom it does not answer, until that one has made it good.
        for (const counters of world.nodes.values()) {
          await eventually('the loss is made good', async () => {
            await counters.active();
            return true;
          });
        }
        await isEqual(world, `round ${round}, after a loss`);
        return true;
      });
      await redis.quit();
    });
  },
);
