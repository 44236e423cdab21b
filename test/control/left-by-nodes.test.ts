import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { LeftPrograms } from '../../src/control/left-programs.ts';
import { NodeWatch } from '../../src/control/node-watch.ts';
import { endAsDied } from '../../src/control/recovery.ts';
import type { EndPrograms } from '../../src/domain/entered-container.ts';
import { openCounters } from '../../src/store/counters.ts';
import { listeningLog } from '../recorder/lab.ts';
import { machine, session, user } from '../store/examples.ts';
import { type TestStore, testStore } from '../support/database.ts';
import { startDocker, type TestDocker } from '../support/docker.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { newEnder } from '../targets/left-in-containers.ts';
import { beginProgram } from './programs-of-node.ts';

/** For a process to begin, on a computer that has much else to do, in milliseconds. */
const BEGIN_MS = 60_000;

/** For an engine, a container, and three nodes. */
const TIMEOUT = { timeout: 120_000 };

const CONTAINER = 'shared';
/** What programs of each node's sessions sleep for. */
const WORDS = { 'node-a': '9990001', 'node-b': '9990002', 'node-c': '9990003' } as const;
type Node = keyof typeof WORDS;

needs('postgres', 'dockerd', 'docker', 'runc', 'busybox').describe(
  'programs that a node left in a container where it was killed',
  () => {
    let docker: TestDocker;
    let opened: TestStore;
    let who = { userId: 0, machineId: 0 };
    beforeAll(async () => {
      [docker, opened] = await Promise.all([startDocker(), testStore('postgres')]);
      const { users, machines } = opened.store;
      const { id: userId } = await users.create(user({ name: 'ada' }));
      const { id: machineId } = await machines.create(machine({ name: 'web1' }));
      who = { userId, machineId };
    }, 120_000);
    afterAll(async () => {
      await opened?.[Symbol.asyncDispose]();
      await docker?.[Symbol.asyncDispose]();
    });

    const sessionOf = async (node: Node): Promise<number> =>
      (await opened.store.sessions.create({ ...session(who), node })).id;

    /** Begins a session of a node of this process. */
    async function begin(node: Node, word: string = WORDS[node]): Promise<void> {
      const sessionId = await sessionOf(node);
      const held = { sessionId, engine: docker.address, container: CONTAINER, word };
      const upstream = await beginProgram(opened.store, held);
      onTestFinished(() => upstream.close());
    }

    /** `node-a` in a process of its own, with a session, until it is killed. Answers the session. */
    async function killNodeA(): Promise<number> {
      const program = new URL('./node-with-programs.ts', import.meta.url).pathname;
      const id = await sessionOf('node-a');
      const url = opened.place.databaseUrl ?? '';
      const about = [url, 'node-a', String(id), docker.address, CONTAINER, WORDS['node-a']];
      const child = spawn(process.execPath, [program, ...about], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const gone = once(child, 'exit');
      try {
        await within(
          'it is in its session',
          Promise.race([once(child.stdout, 'data'), gone]),
          BEGIN_MS,
        );
        await eventually('its program runs', () => runs(WORDS['node-a']));
      } finally {
        child.kill('SIGKILL');
        await gone;
      }
      return id;
    }

    const runs = async (word: string): Promise<boolean> =>
      (await docker.processes(CONTAINER)).includes(`sleep ${word}`);

    const isLookedFor = async (id: number): Promise<boolean> => {
      const now = new Date();
      const due = { node: 'node-a', endedBefore: now, anybodysBefore: now };
      const left = await opened.store.enteredContainers.left(due, 1000);
      return left.some(({ sessionId }) => sessionId === id);
    };

    function look(node: Node, ends: EndPrograms = newEnder()): ReturnType<typeof listeningLog> {
      const log = listeningLog();
      const { store } = opened;
      const looking = new LeftPrograms({ store, end: ends, node, log, periodMs: 20 });
      looking.begin();
      onTestFinished(() => looking.close());
      return log;
    }

    test(
      'are ended by the others, at once, and those of nodes that live are not',
      TIMEOUT,
      async () => {
        const containerId = await docker.run(CONTAINER, { image: 'busybox' });
        const { store } = opened;
        for (const node of ['node-b', 'node-c'] as const) {
          await store.nodes.claim(node, 'process');
          await begin(node);
        }
        // Neither ends anything before the other one is about to.
        const both = Promise.withResolvers<void>();
        const about = new Set<Node>();
        const answers: string[] = [];
        const together = (node: Node): EndPrograms => {
          const ends = newEnder();
          return async (entered) => {
            // A try before this one may have left others.
            if (entered.containerId !== containerId) return await ends(entered);
            about.add(node);
            if (about.size === 2) both.resolve();
            await both.promise;
            const answer = await ends(entered);
            answers.push(answer);
            return answer;
          };
        };
        const logs = [look('node-b', together('node-b')), look('node-c', together('node-c'))];

        const died = await killNodeA();
        // It has outlived its node, and nobody comes to it before that is known to be dead.
        expect(await runs(WORDS['node-a'])).toBe(true);
        expect(about.size).toBe(0);
        await buried('node-b');

        await eventually('it is gone', async () => !(await runs(WORDS['node-a'])));
        await eventually('it is not looked for', async () => !(await isLookedFor(died)));
        await eventually('both have answered', () => answers.length === 2);
        expect(answers).toContain('ended');
        for (const node of ['node-b', 'node-c'] as const) {
          expect(await runs(WORDS[node])).toBe(true);
        }
        for (const { lines } of logs)
          expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
      },
    );

    /** One node's looks at the others, by a clock of its own, until `node-a` is dead for it. */
    async function buried(by: Node): Promise<void> {
      const { store } = opened;
      const log = listeningLog();
      const counters = await openCounters({
        ...{ redisUrl: null, truth: store.counts, shared: false, log },
      });
      let now = 0;
      const watch = new NodeWatch({ node: by, store, counters, log, now: () => now });
      for (let second = 0; second <= 11; second += 1) {
        now += 1000;
        for (const node of ['node-b', 'node-c']) await store.nodes.beat(node, 'process');
        await watch.look();
      }
      expect((await store.nodes.signs()).has('node-a')).toBe(false);
      await counters.close();
    }

    test(
      'are ended when it is back, before anybody takes it for dead, and nothing of its new life',
      TIMEOUT,
      async () => {
        await docker.run(CONTAINER, { image: 'busybox' });
        await begin('node-b');
        look('node-b');
        const died = await killNodeA();
        // As its next start does first (recovery.ts).
        const closed = await endAsDied(opened.store, 'node-a', () => Promise.resolve(true));
        expect(closed?.map(({ id }) => id)).toContain(died);
        await begin('node-a', '9990004');
        look('node-a');
        await eventually('it is gone', async () => !(await runs(WORDS['node-a'])));
        await eventually('it is not looked for', async () => !(await isLookedFor(died)));
        expect(await runs('9990004')).toBe(true);
        expect(await runs(WORDS['node-b'])).toBe(true);
      },
    );
  },
);
