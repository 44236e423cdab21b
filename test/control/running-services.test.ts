import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Access } from '../../src/control/access.ts';
import { FollowedServices } from '../../src/control/running-services.ts';
import { StackServices } from '../../src/control/stack-services.ts';
import { LocalChanges } from '../../src/domain/changes.ts';
import type { SignedIn } from '../../src/domain/control-plane.ts';
import type { Stack } from '../../src/domain/stack.ts';
import { Engines } from '../../src/engine/engine.ts';
import { DockerTargets } from '../../src/targets/docker-target.ts';
import { grant, machine, stack, user } from '../store/examples.ts';
import { eventually, within } from '../support/eventually.ts';
import { running, startTestEngine, type TestContainer } from '../support/test-engine.ts';
import { type ControlStage, FACTS, openControlStage } from './stage.ts';

let stage: ControlStage;
let engine: Awaited<ReturnType<typeof startTestEngine>>;
let followed: FollowedServices;
let access: Access;
let services: StackServices;
const changes = new LocalChanges();
let round = 0;
beforeAll(async () => {
  stage = await openControlStage();
  engine = await startTestEngine();
  const engines = new Engines({ certificates: null });
  followed = new FollowedServices({ stores: stage.at.store, engines, log: stage.log });
  followed.begin(changes);
  access = new Access(stage.at.store, followed);
  services = new StackServices(engines, followed);
});
afterAll(async () => {
  await followed?.close();
  await engine?.[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
});

/** Of each test alone. */
let shop: Stack;
let alice: SignedIn;
let name: string;
beforeEach(async () => {
  round += 1;
  name = `shop${round}`;
  engine.containers = [];
  const { stacks, users, grants } = stage.at.store;
  shop = await stacks.create(stack({ name, engine: engine.address }));
  const made = await users.create(user({ name: `alice${round}` }));
  alice = { userId: made.id, userName: made.name, proof: null };
  await grants.create(grant({ to: { userId: made.id }, on: { stackId: shop.id }, logins: [] }));
  changes.publish();
});

const one = (index: number, more: Partial<TestContainer> = {}): TestContainer => ({
  ...{ name: `${name}-web-${index}`, state: 'running', created: 1_700_000_000 + index },
  labels: { 'com.docker.compose.project': name, 'com.docker.compose.service': 'web' },
  ...more,
});

const seen = async (): Promise<readonly string[]> =>
  (await access.reachable(alice, FACTS)).map((machine) => `${machine.name}: ${machine.address}`);

const shows = (what: string, entries: readonly string[]) =>
  eventually(what, async () => JSON.stringify(await seen()) === JSON.stringify(entries));

/** The container that the name stands for, or why there is none. */
async function chosen(machine: string): Promise<unknown> {
  const answer = await access.decide(alice, { machine, login: null }, FACTS);
  if (answer.outcome === 'denied') return [answer.code, answer.params];
  return answer.route.machine.container?.choice;
}

test('a service is a machine of its grants while one of its containers runs', async () => {
  expect(await seen()).toEqual([]);
  engine.containers = [...running(name, 'web', 'db'), ...running('another', 'web')];
  await shows('both', [`${name}.db: 1 container`, `${name}.web: 1 container`]);
  engine.containers = [one(1), one(2)];
  await shows('web alone', [`${name}.web: 2 containers`]);
  engine.containers = [one(1, { state: 'exited' })];
  await shows('none', []);
  engine.containers = [one(3)];
  await shows('web again', [`${name}.web: 1 container`]);
});

test('nobody without a grant sees it, or learns that it is there', async () => {
  engine.containers = [one(1)];
  await shows('web', [`${name}.web: 1 container`]);
  const made = await stage.at.store.users.create(user({ name: `mallory${round}` }));
  const mallory: SignedIn = { userId: made.id, userName: made.name, proof: null };
  expect(await access.reachable(mallory, FACTS)).toEqual([]);
  for (const machine of [`${name}.web.1`, `${name}.web`, `${name}.web.7`, `${name}.no`]) {
    expect(await access.decide(mallory, { machine, login: null }, FACTS)).toEqual({
      outcome: 'denied',
      code: 'access.unknown_machine',
      params: { machine },
    });
  }
});

test('an index is a container, the oldest first, and what runs counts alone', async () => {
  engine.containers = [one(7), one(5), one(6, { state: 'exited' }), one(8)];
  await shows('web', [`${name}.web: 3 containers`]);
  const id = (index: number) => ({ name: engine.idOf(`${name}-web-${index}`) });
  expect(await chosen(`${name}.web.1`)).toMatchObject(id(5));
  expect(await chosen(`${name}.web.2`)).toMatchObject(id(7));
  expect(await chosen(`${name}.web.3`)).toMatchObject(id(8));
  expect(await chosen(`${name}.web`)).toMatchObject({ stack: name, service: 'web' });
  expect(await chosen(`${name}.web.4`)).toEqual([
    'machine.unreachable',
    { machine: `${name}.web.4`, reason: 'it has no container 4, and 3 that run' },
  ]);
});

test.each<['gone' | 'exited', string]>([
  ['gone', 'there is no container WEB.3'],
  ['exited', 'exited is the container WEB.3'],
])(
  'a container that is %s between the choice and the connection is refused by its index',
  async (how, why) => {
    engine.containers = [one(1), one(2), one(3)];
    await shows('web', [`${name}.web: 3 containers`]);
    const wanted = { machine: `${name}.web.3`, login: null };
    const answer = await access.decide(alice, wanted, FACTS);
    if (answer.outcome === 'denied') throw new Error(answer.code);
    engine.containers = [one(1), one(2), ...(how === 'gone' ? [] : [one(3, { state: 'exited' })])];
    const targets = new DockerTargets({
      engines: new Engines({ certificates: null }),
      control: {
        enterContainer: () => Promise.resolve(),
        leaveContainer: () => Promise.resolve(),
      },
      log: stage.log,
    });
    const ticket = { sessionId: 1, credential: { type: 'none' }, hops: [] } as const;
    const { signal } = new AbortController();
    const refused = await targets.connect(answer.route, ticket, signal).catch((error) => error);
    expect(refused).toMatchObject({ code: 'machine.unreachable' });
    const said = why.replace('WEB', `${name}.web`);
    expect(String(refused.message)).toContain(said);
    expect(String(refused.message)).not.toMatch(/[0-9a-f]{64}/);
  },
);

test('an index is what Compose has numbered a container with', async () => {
  const label = 'com.docker.compose.container-number';
  engine.containers = [one(1), one(2)].map((container, at) => ({
    ...container,
    labels: { ...container.labels, [label]: String(9 - at) },
  }));
  await shows('web', [`${name}.web: 2 containers`]);
  expect(await chosen(`${name}.web.9`)).toMatchObject({ name: engine.idOf(`${name}-web-1`) });
  expect(await chosen(`${name}.web.8`)).toMatchObject({ name: engine.idOf(`${name}-web-2`) });
  expect(await chosen(`${name}.web.1`)).toMatchObject(['machine.unreachable', {}]);
});

test('what is known stays, marked, while the engine is away, and is renewed when it is back', async () => {
  engine.containers = [one(1)];
  await shows('web', [`${name}.web: 1 container`]);
  await engine.goAway();
  try {
    await shows('its engine is away', [`${name}.web: engine unreachable`]);
    expect(followed.of(shop.id)).toMatchObject({
      services: [{ name: 'web', containers: [{ name: `${name}-web-1` }] }],
      away: { reason: expect.any(String), since: expect.any(Date), wasHeard: true },
    });
  } finally {
    await engine.comeBack();
  }
  engine.containers = [one(1), one(2)];
  await shows('both', [`${name}.web: 2 containers`]);
  expect(followed.of(shop.id)?.away).toBeNull();
});

test('services are answered from what engines tell, stopped containers too, and while one is away', async () => {
  const states = async (): Promise<string> => {
    const { services: found } = await services.of(shop);
    return found.flatMap(({ containers }) => containers.map(({ state }) => state)).join(' ');
  };
  engine.containers = [one(1), one(2, { state: 'exited' })];
  await eventually('both', async () => (await states()) === 'running exited');
  engine.containers = [one(1, { health: 'unhealthy' }), one(2)];
  await eventually('it is started', async () => (await states()) === 'running running');
  const before = new Date();
  await engine.goAway();
  try {
    const away = await eventually('it is away', async () => (await services.of(shop)).away);
    expect(away.since.getTime()).toBeGreaterThanOrEqual(before.getTime() - 1);
    expect(await services.of(shop)).toMatchObject({
      services: [{ name: 'web', containers: [{ health: 'unhealthy' }, { health: 'none' }] }],
      away: { since: away.since },
    });
  } finally {
    await engine.comeBack();
  }
  engine.containers = [];
  await eventually('none is left', async () => (await states()) === '');
});

test('a stack whose engine nobody follows yet is asked for there', async () => {
  const idle = new FollowedServices({
    stores: stage.at.store,
    engines: new Engines({ certificates: null }),
    log: stage.log,
  });
  engine.containers = [one(1)];
  const asked = new StackServices(new Engines({ certificates: null }), idle);
  expect(await asked.of(shop)).toMatchObject({ services: [{ name: 'web' }], away: null });
  await idle.close();
});

test('who listens hears of what came and went once it can be reached', async () => {
  const heard = Promise.withResolvers<void>();
  const deaf = followed.subscribe(() => {
    if (followed.of(shop.id)?.services.length === 1) heard.resolve();
  });
  engine.containers = [one(1)];
  await within('the word', heard.promise);
  deaf();
  expect(await seen()).toEqual([`${name}.web: 1 container`]);
});

test('a machine that was removed comes back, and a changed stack changes its machines', async () => {
  engine.containers = [one(1)];
  await shows('web', [`${name}.web: 1 container`]);
  const { machines, stacks } = stage.at.store;
  const first = await machines.getByName(`${name}.web`);
  await machines.remove(first?.id ?? 0);
  changes.publish();
  await shows('web again', [`${name}.web: 1 container`]);
  await stacks.update(shop.id, { login: 'app' });
  changes.publish();
  await eventually('its login', async () => {
    return (await machines.getByName(`${name}.web`))?.login === 'app';
  });
});

test('a service whose name a machine has is none, and others go on', async () => {
  const { machines } = stage.at.store;
  await machines.create(machine({ name: `${name}.web` }));
  engine.containers = running(name, 'web', 'db');
  await shows('the other', [`${name}.db: 1 container`]);
  expect((await machines.getByName(`${name}.web`))?.kind).toBe('ssh');
});

test('a stack that is gone is followed no more', async () => {
  engine.containers = [one(1)];
  await shows('web', [`${name}.web: 1 container`]);
  await stage.at.store.stacks.remove(shop.id);
  changes.publish();
  await eventually('nothing is known', () => followed.of(shop.id) === null);
  expect(await seen()).toEqual([]);
});
