import { expect, test } from 'vitest';
import { BrokenRecordings } from '../../src/control/broken-recordings.ts';
import type { RepairRecording } from '../../src/domain/recording.ts';
import { NO_DATA_KEYS } from '../../src/domain/recording-keys.ts';
import type { Store } from '../../src/domain/store.ts';
import { listeningLog } from '../recorder/lab.ts';
import { machine, seal, session, user } from '../store/examples.ts';
import { testStore } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

const SEAL = seal(3, 70);
const sealed = (key: string) => ({
  ...{ key, size: 77, recordedBytes: 5, duration: 1.5, sha256: 'cd', seal: SEAL },
});

/** Recordings that broke, one for each state; answers their session. */
async function broken(store: Store, ...states: readonly ('gap' | 'truncated')[]): Promise<number> {
  const ada = await store.users.create(user({ name: 'ada' }));
  const web1 = await store.machines.create(machine({ name: 'web1' }));
  const fields = { userId: ada.id, machineId: web1.id, node: 'node-a' };
  const { id } = await store.sessions.create(session(fields));
  for (const [index, state] of states.entries()) {
    const channel = index + 1;
    const startedAt = new Date();
    await store.sessions.openRecording({ sessionId: id, channel, key: `k${channel}`, startedAt });
    await store.sessions.closeRecording(id, channel, state, null, new Date());
  }
  return id;
}

test('what is left of recordings that broke is sealed in the state that they have', async () => {
  await using opened = await testStore('embedded');
  const { store } = opened;
  const id = await broken(store, 'gap', 'truncated', 'gap', 'truncated', 'gap');
  const asked: unknown[] = [];
  const repair: RepairRecording = (key, left) => {
    asked.push([key, left]);
    switch (key) {
      case 'k3':
        return Promise.resolve(null);
      case 'k4':
        // Its disk had only stalled.
        return Promise.resolve({ state: 'complete', receipt: sealed(key), size: 77 });
      case 'k5':
        return Promise.resolve({ state: 'tampered', receipt: null, size: 60 });
      default:
        return Promise.resolve({ state: left ?? 'recovered', receipt: sealed(key), size: 77 });
    }
  };
  const log = listeningLog();
  const mending = new BrokenRecordings({
    store,
    repair,
    dataKeys: NO_DATA_KEYS,
    node: 'node-a',
    log,
  });
  await mending.mend(new Date(0));
  expect(asked).toEqual([]);
  await new BrokenRecordings({ store, repair, dataKeys: NO_DATA_KEYS, node: 'node-b', log }).mend(
    new Date(),
  );
  expect(asked).toEqual([]);
  await mending.mend(new Date(Date.now() + 1000));
  expect(asked).toEqual([
    ['k1', 'gap'],
    ['k2', 'truncated'],
    ['k3', 'gap'],
    ['k4', 'truncated'],
    ['k5', 'gap'],
  ]);
  const found = await store.sessions.recordings(id);
  const whole = { size: 77, recordedBytes: 5, duration: 1.5, sha256: 'cd' };
  expect(found).toMatchObject([
    { state: 'gap', ...whole },
    { state: 'truncated', ...whole },
    { state: 'gap', size: null, sha256: null },
    { state: 'truncated', ...whole },
    { state: 'tampered', size: 60, sha256: null },
  ]);
  expect(await store.seals.list(found[0]?.id ?? 0)).toEqual([SEAL]);
  // Only what could not be written is tried again.
  await mending.mend(new Date(Date.now() + 1000));
  expect(asked.slice(5)).toEqual([['k3', 'gap']]);
});

test('they are looked for again and again, and a dead disk is left alone after a few', async () => {
  await using opened = await testStore('embedded');
  const { store } = opened;
  await broken(store, ...Array.from({ length: 15 }, () => 'gap' as const));
  let isDead = true;
  const asked: string[] = [];
  const repair: RepairRecording = (key) => {
    asked.push(key);
    return Promise.resolve(isDead ? null : { state: 'gap', receipt: sealed(key), size: 77 });
  };
  const log = listeningLog();
  const times = { periodMs: 20, quietMs: 0 };
  const mending = new BrokenRecordings({
    store,
    repair,
    dataKeys: NO_DATA_KEYS,
    node: 'node-a',
    log,
    ...times,
  });
  mending.begin();
  await eventually('it was looked twice', () => asked.length >= 20);
  expect(new Set(asked).size).toBe(10);
  isDead = false;
  const later = new Date(Date.now() + 1000);
  await eventually('all are sealed', async () => {
    return (await store.recordings.broken('node-a', later, 0, 1)).length === 0;
  });
  await mending.close();
  expect(new Set(asked).size).toBe(15);
});
