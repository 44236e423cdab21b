import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recordingFiles } from '../../src/app/recording-files.ts';
import { endAsDied, recover } from '../../src/control/recovery.ts';
import type {
  RecordingFiles,
  RecordingReceipt,
  RepairRecording,
} from '../../src/domain/recording.ts';
import { NO_DATA_KEYS, NO_KEYS } from '../../src/domain/recording-keys.ts';
import { KeyRing } from '../../src/envelope/key-ring.ts';
import { headerLine } from '../../src/recorder/header.ts';
import { machine, seal, session } from '../store/examples.ts';
import { scratch } from '../support/scratch.ts';
import { type ControlStage, openControlStage } from './stage.ts';

const RECEIPT: Omit<RecordingReceipt, 'key'> = {
  size: 100,
  recordedBytes: 90,
  duration: 1.5,
  sha256: 'ab'.repeat(32),
  seal: seal(),
};

/** A session with a channel and two recordings, left open by a crash. */
async function cut(stage: ControlStage, name: string, node = 'node-a'): Promise<number> {
  const { machines, sessions } = stage.at.store;
  const made = await machines.create(machine({ name }));
  const { id } = await sessions.create(session({ userId: stage.ada.id, machineId: made.id, node }));
  const startedAt = new Date();
  for (const number of [1, 2]) {
    await sessions.openChannel({
      sessionId: id,
      number,
      kind: 'shell',
      command: null,
      pty: true,
      startedAt,
    });
    await sessions.openRecording({
      sessionId: id,
      channel: number,
      key: `${id}/${number}`,
      startedAt,
    });
  }
  return id;
}

const NO_FILES: RecordingFiles = {
  newest: () => Promise.resolve([]),
  origin: () => Promise.resolve(null),
};

function start(stage: ControlStage, repair: RepairRecording, files = NO_FILES) {
  return recover('node-a', {
    files,
    dataKeys: NO_DATA_KEYS,
    store: stage.at.store,
    counters: stage.counters,
    repair,
    log: stage.log,
  });
}

const whole: RepairRecording = (key) =>
  Promise.resolve(
    key.endsWith('/1')
      ? { state: 'recovered', receipt: { ...RECEIPT, key } }
      : { state: 'failed', receipt: null },
  );

async function state(stage: ControlStage, id: number) {
  const { sessions, audit } = stage.at.store;
  const found = await sessions.get(id);
  const ends = await audit.list({ sessionId: id, type: 'session.ended' }, { limit: 9 });
  return {
    reason: found?.endReason,
    status: found?.status,
    recordings: (await sessions.recordings(id)).map((one) => one.state),
    open: (await sessions.channels(id)).filter(({ endedAt }) => endedAt === null).length,
    events: ends.rows.map(({ detail }) => detail),
  };
}

const MENDED = {
  reason: 'node_died',
  status: 'stopped',
  recordings: ['recovered', 'failed'],
  open: 0,
  events: [{ reason: 'node_died' }],
};

test('invariant 4: what a crash left open is ended with the true reason, its recordings repaired', async () => {
  await using stage = await openControlStage();
  const mine = await cut(stage, 'web1');
  const other = await cut(stage, 'web2', 'node-b');
  expect(await start(stage, whole)).toBe(1);
  expect(await state(stage, mine)).toEqual(MENDED);
  expect(await state(stage, other)).toMatchObject({
    status: 'pending',
    recordings: ['recording', 'recording'],
  });
  // Invariant 8: the counters are what the database says.
  expect((await stage.counters.active()).sessions).toBe(1);
});

test('a recording whose session another node has ended is repaired all the same', async () => {
  await using stage = await openControlStage();
  const id = await cut(stage, 'web1');
  await endAsDied(stage.at.store, 'node-a', () => Promise.resolve(true));
  expect(await state(stage, id)).toMatchObject({ recordings: ['recording', 'recording'] });
  expect(await start(stage, whole)).toBe(0);
  expect(await state(stage, id)).toEqual(MENDED);
});

test('a recording that was never noted is found, and repaired as the others', async () => {
  await using stage = await openControlStage();
  const { store } = stage.at;
  const [mine, other] = [await cut(stage, 'web1'), await cut(stage, 'web2', 'node-b')];
  await endAsDied(store, 'node-a', () => Promise.resolve(true));
  using files = scratch();
  const day = files.join('2026', '11', '22');
  mkdirSync(day, { recursive: true });
  const put = (name: string, sessionId: number, channel: number) => {
    const about = { sessionId, channel, startedAt: new Date(1_795_300_000_000) };
    const header = headerLine({ ...about, pty: null, command: 'true', title: 'ada on web1' });
    writeFileSync(join(day, `${name}.cast`), header);
  };
  put(`sess_${mine}-3`, mine, 3);
  put(`sess_${mine}-1.2`, mine, 1);
  put(`sess_${other}-3`, other, 3);
  put('sess_4711-1', 4711, 1);
  writeFileSync(join(day, 'sess_1-9.cast'), 'no header\n');
  writeFileSync(join(day, 'notes.txt'), 'not looked at');
  const repaired: string[] = [];
  const repair: RepairRecording = (key) => {
    repaired.push(key);
    return Promise.resolve({ state: 'recovered', receipt: { ...RECEIPT, key } });
  };
  await start(stage, repair, recordingFiles(files.path, new KeyRing(NO_KEYS)));
  const key = `2026/11/22/sess_${mine}-3.cast`;
  expect(repaired).toEqual([`${mine}/1`, `${mine}/2`, key]);
  expect(await store.sessions.recordings(mine)).toMatchObject([
    { channel: 1, state: 'recovered' },
    { channel: 2, state: 'recovered' },
    { channel: 3, state: 'recovered', key, startedAt: new Date(1_795_300_000_000) },
  ]);
  expect(await store.sessions.recordings(other)).toHaveLength(2);
  const named = stage.log.lines.filter(({ message }) => message.includes('none of a session here'));
  expect(named.map(({ fields }) => fields?.['key'])).toEqual([
    '2026/11/22/sess_4711-1.cast',
    '2026/11/22/sess_1-9.cast',
    `2026/11/22/sess_${mine}-1.2.cast`,
  ]);
});

test('recordings that cannot be looked through do not keep the server from starting', async () => {
  await using stage = await openControlStage();
  const id = await cut(stage, 'web1');
  using files = scratch();
  writeFileSync(files.join('2026'), 'no directory');
  expect(await start(stage, whole, recordingFiles(files.path, new KeyRing(NO_KEYS)))).toBe(1);
  expect(await state(stage, id)).toEqual(MENDED);
});

test('a second start finds nothing to do', async () => {
  await using stage = await openControlStage();
  const id = await cut(stage, 'web1');
  await start(stage, whole);
  expect(await start(stage, whole)).toBe(0);
  expect(await state(stage, id)).toEqual(MENDED);
});

test('invariant 4: a start that is itself cut short is made good by the next', async () => {
  await using stage = await openControlStage();
  const ids = [await cut(stage, 'web1'), await cut(stage, 'web2')];
  // Whatever call the process dies at, the next start ends in the same state.
  for (let calls = 0; ; calls += 1) {
    let left = calls;
    const repair: RepairRecording = (key) => {
      left -= 1;
      return left < 0 ? Promise.reject(new Error('the process died')) : whole(key);
    };
    const died = await start(stage, repair).then(
      () => false,
      () => true,
    );
    if (!died) break;
    expect((await state(stage, ids[0] ?? 0)).events).toEqual([]);
  }
  for (const id of ids) expect(await state(stage, id)).toEqual(MENDED);
});

test('an audit that cannot be written leaves the sessions for the next start', async () => {
  await using stage = await openControlStage();
  const id = await cut(stage, 'web1');
  const { store } = stage.at;
  const failing = {
    store: {
      description: store.description,
      users: store.users,
      factors: store.factors,
      groups: store.groups,
      machines: store.machines,
      grants: store.grants,
      transfers: store.transfers,
      tokens: store.tokens,
      approvals: store.approvals,
      counts: store.counts,
      places: store.places,
      enteredContainers: store.enteredContainers,
      sessions: store.sessions,
      audit: store.audit,
      standing: store.standing,
      authorities: store.authorities,
      revocations: store.revocations,
      nodes: store.nodes,
      seals: store.seals,
      recordings: store.recordings,
      sealFeed: store.sealFeed,
      analyses: store.analyses,
      archive: store.archive,
      search: store.search,
      stacks: store.stacks,
      containerSessions: store.containerSessions,
      stackActions: store.stackActions,
      alerts: store.alerts,
      alertFeed: store.alertFeed,
      healthy: () => store.healthy(),
      close: () => store.close(),
      transaction: <T>(work: Parameters<typeof store.transaction<T>>[0]) =>
        store.transaction((stores) =>
          work({
            ...stores,
            sessions: stores.sessions,
            audit: {
              append: () => Promise.reject(new Error('disk full')),
              link: () => stores.audit.link(),
              list: (filter, page) => stores.audit.list(filter, page),
              walk: (filter) => stores.audit.walk(filter),
              verify: (kept) => stores.audit.verify(kept),
            },
          }),
        ),
    },
    counters: stage.counters,
    repair: whole,
    files: NO_FILES,
    dataKeys: NO_DATA_KEYS,
    log: stage.log,
  };
  await expect(recover('node-a', failing)).rejects.toThrow('disk full');
  expect(await state(stage, id)).toMatchObject({ status: 'pending', events: [] });
  expect(await start(stage, whole)).toBe(1);
  expect(await state(stage, id)).toEqual(MENDED);
});

test('counters that do not answer do not keep the server from starting', async () => {
  await using stage = await openControlStage();
  await cut(stage, 'web1');
  stage.counters.rebuild = () => Promise.reject(new Error('no Redis'));
  expect(await start(stage, whole)).toBe(1);
  expect(stage.log.lines.some(({ message }) => message.includes('counters'))).toBe(true);
});
