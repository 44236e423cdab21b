import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { RetentionSweep } from '../../src/control/retention.ts';
import type { Retention } from '../../src/domain/kept-recording.ts';
import type { Machine } from '../../src/domain/machine.ts';
import { listeningLog } from '../recorder/lab.ts';
import { machine, session as newSession, user } from '../store/examples.ts';
import { type TestStore, testStore } from '../support/database.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const DAY = 86_400;

let opened: TestStore;
let userId: number;
let plain: Machine;
let log: ReturnType<typeof listeningLog>;
/** Keys that the library was told to remove. */
let removed: string[];
let broken: string | null;
let count = 0;

beforeAll(async () => {
  opened = await testStore('embedded');
  userId = (await opened.store.users.create(user({ name: 'ada' }))).id;
  plain = await opened.store.machines.create(machine({ name: 'plain' }));
});
beforeEach(async () => {
  for (let full = true; full; ) {
    const { rows } = await opened.store.recordings.list({}, { limit: 100 });
    const there = rows.filter(({ recording }) => recording.state === 'complete');
    for (const { recording, session } of there) {
      await opened.store.recordings.release(session.id);
      await opened.store.recordings.remove(recording.id, 'x', NOW);
    }
    full = there.length === 100;
  }
  log = listeningLog();
  removed = [];
  broken = null;
});
afterAll(async () => {
  await opened.store.close();
  await opened.place[Symbol.asyncDispose]();
});

/** A recording that ended so many days ago; answers its key. */
async function recorded(
  days: number,
  { size = 100, on = plain, node = 'node-a', hold = false, by = userId } = {},
): Promise<string> {
  const { store } = opened;
  const at = new Date(NOW.getTime() - days * DAY * 1000);
  const fields = { userId: by, machineId: on.id, node, startedAt: at };
  const { id } = await store.sessions.create(newSession(fields));
  if (hold) await store.recordings.hold(id, { at, by: 'root', reason: '' });
  count += 1;
  const key = `2026/11/22/sess_${id}-${count}.cast`;
  await store.sessions.openRecording({ sessionId: id, channel: 1, key, startedAt: at });
  const seal = { part: 1, end: size, hash: `hash${count}`, line: '# seal' };
  const receipt = { key, size, recordedBytes: size, duration: 1, sha256: 'aa', seal };
  await store.sessions.closeRecording(id, 1, 'complete', receipt, at);
  return key;
}

function sweeper(retention: Retention): RetentionSweep {
  return new RetentionSweep({
    store: opened.store,
    library: {
      remove: (key) => {
        if (key === broken) return Promise.reject(new Error('no permission'));
        removed.push(key);
        return Promise.resolve(true);
      },
    },
    ...{ node: 'node-a', retention, log, clock: () => NOW },
  });
}

const SWEEP = { dryRun: false, who: { by: 'retention', userId: null, source: null } };

test('by age, counted from the end; a machine has its own, longer, shorter or for ever', async () => {
  const { machines } = opened.store;
  const brief = await machines.create(machine({ name: 'brief', retention: 2 * DAY }));
  const lasting = await machines.create(machine({ name: 'lasting', retention: 0 }));
  const old = await recorded(31);
  await recorded(29);
  const soon = await recorded(3, { on: brief });
  await recorded(1, { on: brief });
  await recorded(4000, { on: lasting });
  await recorded(4000, { node: 'node-b' });
  await recorded(4000, { hold: true });
  const sweep = sweeper({ age: 30 * DAY, size: 0 });
  const shown = await sweep.sweep({ ...SWEEP, dryRun: true });
  expect(shown).toMatchObject({ count: 2, bytes: 200, more: false });
  expect(removed).toEqual([]);
  expect(await sweep.sweep(SWEEP)).toMatchObject({ count: 2 });
  expect(removed).toEqual([old, soon]);
  const { rows } = await opened.store.audit.list({ type: 'recording.removed' }, { limit: 1 });
  expect(rows).toMatchObject([{ actor: 'retention', detail: { why: 'age', sha256: 'aa' } }]);
  // Without a setting for all, the machine's own still counts.
  await recorded(5000);
  const late = await recorded(3, { on: brief });
  await sweeper({ age: 0, size: 0 }).sweep(SWEEP);
  expect(removed).toEqual([old, soon, late]);
});

test('of a machine and the groups of a user the longest counts', async () => {
  const { machines, users, groups } = opened.store;
  const brief = await machines.create(machine({ name: 'brief2', retention: 2 * DAY }));
  const bea = await users.create(user({ name: 'bea' }));
  const cyd = await users.create(user({ name: 'cyd' }));
  const year = await groups.create('year', [bea.id, cyd.id], 365 * DAY);
  await groups.create('month', [bea.id], 30 * DAY);
  const ever = await groups.create('ever', [cyd.id]);
  await groups.setRetention(ever.id, 0);
  const sweep = sweeper({ age: 10 * DAY, size: 1 });
  const old = await recorded(366, { by: bea.id });
  await recorded(364, { by: bea.id, on: brief });
  await recorded(4000, { by: cyd.id, on: brief });
  expect(await sweep.sweep(SWEEP)).toMatchObject({ count: 1 });
  expect(removed).toEqual([old]);
  // Nor is what a group keeps in the way of the size.
  await groups.setMembers(ever.id, []);
  await groups.setRetention(year.id, null);
  expect(await sweep.sweep(SWEEP)).toMatchObject({ count: 2 });
  await groups.remove(year.id);
});

test('by size the oldest go, but none that a machine keeps by its own rule', async () => {
  const own = await opened.store.machines.create(machine({ name: 'own', retention: 900 * DAY }));
  await recorded(50, { on: own });
  const oldest = await recorded(40);
  const next = await recorded(30);
  await recorded(20);
  const { count: swept, recordings } = await sweeper({ age: 0, size: 200 }).sweep(SWEEP);
  expect(swept).toBe(2);
  expect(recordings.map(({ why }) => why)).toEqual(['size', 'size']);
  expect(removed).toEqual([oldest, next]);
});

test('one that cannot be deleted is said, stays in its row, and does not keep the others', async () => {
  broken = await recorded(40);
  const other = await recorded(39);
  const sweep = sweeper({ age: DAY, size: 0 });
  expect(await sweep.sweep(SWEEP)).toMatchObject({ count: 1 });
  expect(removed).toEqual([other]);
  expect(log.lines.map(({ message }) => message)).toEqual(['a recording could not be deleted']);
  broken = null;
  expect(await sweep.sweep(SWEEP)).toMatchObject({ count: 1 });
});

test('two sweeps at one time delete each once', async () => {
  for (let days = 40; days < 45; days += 1) await recorded(days);
  const [one, two] = [sweeper({ age: DAY, size: 0 }), sweeper({ age: DAY, size: 0 })];
  const swept = await Promise.all([one.sweep(SWEEP), two.sweep(SWEEP)]);
  expect(swept[0].count + swept[1].count).toBe(5);
  expect(removed).toHaveLength(5);
});
