import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { LeftPrograms } from '../../src/control/left-programs.ts';
import type { EndPrograms, EnteredPod } from '../../src/domain/entered-container.ts';
import { PosternError } from '../../src/domain/errors.ts';
import { IN_CLUSTER } from '../../src/domain/pod-place.ts';
import { listeningLog } from '../recorder/lab.ts';
import { machine, session, user } from '../store/examples.ts';
import { type TestStore, testStore } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

const SOCKET = 'unix:///var/run/docker.sock';
const FAR = 'tcp://engine.example';

let opened: TestStore;
let who = { userId: 0, machineId: 0 };
beforeAll(async () => {
  opened = await testStore('embedded');
  const { users, machines } = opened.store;
  const { id: userId } = await users.create(user({ name: 'ada' }));
  const { id: machineId } = await machines.create(machine({ name: 'web1' }));
  who = { userId, machineId };
});
afterAll(() => opened?.[Symbol.asyncDispose]());

const POD = { namespace: 'shop', name: 'web-0', container: 'nginx' };

/** A session of `node` that died with programs on the engine, or in a pod; answers the mark. */
async function died(node: string, engine: string, pod: EnteredPod | null = null): Promise<string> {
  const { sessions, enteredContainers } = opened.store;
  const { id } = await sessions.create({ ...session(who), node });
  const mark = `mark-${id}`;
  const login = pod === null ? 'root' : 'container';
  await enteredContainers.add(id, { engine, pod, containerId: `id-${id}`, login, mark });
  const bytes = { bytesIn: 0, bytesOut: 0 };
  await sessions.end(id, { endedAt: new Date(), reason: 'node_died', ...bytes });
  return mark;
}

const left = async (): Promise<readonly string[]> =>
  (
    await opened.store.enteredContainers.left(
      { node: '', endedBefore: new Date(0), anybodysBefore: new Date(0) },
      1000,
    )
  ).map(({ mark }) => mark);

function looking(node: string, end: EndPrograms): void {
  const { store } = opened;
  const looked = new LeftPrograms({ store, end, node, log: listeningLog(), periodMs: 20 });
  looked.begin();
  onTestFinished(() => looked.close());
}

test('what a session left is ended, again and again while its engine is away', async () => {
  const away = await died('node-a', SOCKET);
  const near = await died('node-a', FAR);
  const asked: string[] = [];
  let answers = false;
  looking('node-a', ({ mark, engine }) => {
    asked.push(mark);
    if (engine === FAR || answers) return Promise.resolve('ended');
    return Promise.reject(new PosternError('engine.unreachable', { engine, reason: 'away' }));
  });
  await eventually(
    'the other engine is not waited for',
    async () => !(await left()).includes(near),
  );
  await eventually('it was asked', () => asked.includes(away));
  expect(await left()).toContain(away);
  answers = true;
  await eventually('it is ended', async () => !(await left()).includes(away));
});

test('a container that is gone is looked for no more, one where another node alone gets is', async () => {
  const forgotten = [
    await died('node-b', SOCKET),
    await died('node-c', FAR),
    await died('node-b', IN_CLUSTER, POD),
    await died('node-c', 'prod', POD),
  ];
  const kept = [await died('node-c', SOCKET), await died('node-c', IN_CLUSTER, POD)];
  const asked = new Set<string>();
  looking('node-b', ({ mark }) => {
    asked.add(mark);
    return Promise.resolve('gone');
  });
  await eventually('they are forgotten', async () => {
    const all = await left();
    return !forgotten.some((mark) => all.includes(mark)) && kept.every((mark) => asked.has(mark));
  });
  expect(await left()).toEqual(expect.arrayContaining(kept));
});

test.each(['cluster.unreachable', 'cluster.setting'] as const)(
  'a cluster that is away (%s) is asked again, and holds up no other',
  async (code) => {
    const [near, far] = [`near-${code}`, `far-${code}`];
    const away = [await died('node-f', far, POD), await died('node-f', far, POD)];
    const ended = await died('node-f', near, POD);
    let asked = 0;
    let answers = false;
    looking('node-f', ({ engine }) => {
      if (engine !== far) return Promise.resolve('ended');
      asked += 1;
      return answers
        ? Promise.resolve('ended')
        : Promise.reject(new PosternError(code, { reason: 'away' }));
    });
    await eventually('the other is ended', async () => !(await left()).includes(ended));
    await eventually('it was asked', () => asked > 0);
    expect(await left()).toEqual(expect.arrayContaining(away));
    answers = true;
    await eventually('they are ended', async () => {
      const all = await left();
      return !away.some((mark) => all.includes(mark));
    });
  },
);

test('an image without a shell has nothing that could be ended', async () => {
  const mark = await died('node-d', SOCKET);
  looking('node-d', () =>
    Promise.reject(new PosternError('machine.refused', { machine: 'm', reason: 'no shell' })),
  );
  await eventually('it is forgotten', async () => !(await left()).includes(mark));
});

test('one that cannot be ended holds up no other on its engine', async () => {
  const paused = await died('node-e', FAR);
  const others = [await died('node-e', FAR), await died('node-e', FAR)];
  let asked = 0;
  let isPaused = true;
  looking('node-e', ({ mark, containerId: container }) => {
    if (mark !== paused) return Promise.resolve('ended');
    asked += 1;
    return isPaused
      ? Promise.reject(new PosternError('engine.not_running', { container }))
      : Promise.resolve('ended');
  });
  await eventually('the others are ended', async () => {
    const all = await left();
    return others.every((mark) => !all.includes(mark)) && asked > 0;
  });
  expect(await left()).toContain(paused);
  isPaused = false;
  await eventually('and so is that one', async () => !(await left()).includes(paused));
});
