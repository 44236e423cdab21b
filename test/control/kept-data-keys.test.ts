import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { keptDataKeys } from '../../src/app/recording-files.ts';
import { rekeyRecordings } from '../../src/app/rekeyed-recordings.ts';
import { BrokenRecordings } from '../../src/control/broken-recordings.ts';
import { forgetDataKeys } from '../../src/control/kept-data-keys.ts';
import type { RecordingState, RepairRecording } from '../../src/domain/recording.ts';
import { NO_KEYS } from '../../src/domain/recording-keys.ts';
import { newDataKey } from '../../src/envelope/data-key.ts';
import { KeyRing } from '../../src/envelope/key-ring.ts';
import { keepDataKey, nodeKeyOf } from '../../src/envelope/node-key.ts';
import { envelopeOf } from '../envelope/lab.ts';
import { listeningLog } from '../recorder/lab.ts';
import { machine, session } from '../store/examples.ts';
import { scratch } from '../support/scratch.ts';
import { openControlStage } from './stage.ts';

const DAY = '2026/11/22';

test('of what has ended here the key is forgotten; what waits for its repair, or is of others, keeps it', async () => {
  await using stage = await openControlStage();
  const { store } = stage.at;
  using files = scratch();
  mkdirSync(files.join(DAY), { recursive: true });
  const { id: machineId } = await store.machines.create(machine({ name: 'web1' }));
  const put = async (node: string, state: RecordingState): Promise<string> => {
    const { id } = await store.sessions.create(session({ userId: stage.ada.id, machineId, node }));
    const startedAt = new Date();
    const about = { number: 1, kind: 'shell', command: null, pty: true, startedAt } as const;
    await store.sessions.openChannel({ sessionId: id, ...about });
    const name = `sess_${id}-1.cast`;
    const key = `${DAY}/${name}`;
    await store.sessions.openRecording({ sessionId: id, channel: 1, key, startedAt });
    if (state !== 'recording') {
      const closed = await store.sessions.closeRecording(id, 1, state, null, startedAt);
      expect(closed).toBe(key);
    }
    writeFileSync(files.join(`${key}.open`), 'a key');
    return `${name}.open`;
  };
  await put('node-a', 'complete');
  const broken = await put('node-a', 'gap');
  const kept = [
    await put('node-a', 'recording'),
    await put('node-b', 'complete'),
    'sess_4711-1.cast.open',
  ];
  writeFileSync(files.join(DAY, 'sess_4711-1.cast.open'), 'of nobody here');
  const dataKeys = keptDataKeys(files.path, stage.log);
  await forgetDataKeys('node-a', { store, dataKeys, log: stage.log });
  const left = (): readonly string[] => readdirSync(files.join(DAY)).sort();
  expect(left()).toEqual([...kept, broken].sort());
  // What is left of one that broke is sealed late.
  const repair: RepairRecording = () => Promise.resolve({ state: 'gap', receipt: null, size: 7 });
  const mending = { store, repair, dataKeys, node: 'node-a', log: stage.log };
  await new BrokenRecordings(mending).mend(new Date(Date.now() + 1000));
  expect(left()).toEqual(kept.sort());
  await dataKeys.forget(`${DAY}/sess_999-1.cast`);
  // The database alone takes its time to begin on a busy machine.
}, 60_000);

test('a new secret key keeps them too, and again when that was cut short', async () => {
  using files = scratch();
  const envelope = envelopeOf();
  const path = files.join(DAY, 'sess_12-1.cast');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, envelope.line);
  const [from, to] = [randomBytes(32), randomBytes(32)];
  const dataKey = newDataKey();
  await keepDataKey(path, { envelope, dataKey, nodeKey: nodeKeyOf(from) });
  const opens = (secret: Buffer) =>
    new KeyRing({ ...NO_KEYS, nodeKeys: [nodeKeyOf(secret)] }).dataKey(path, envelope);
  expect(await opens(to)).toBe('other_key');
  for (let n = 0; n < 2; n += 1) {
    await rekeyRecordings(files.path, { to, from: [from] }, listeningLog());
    expect(await opens(to)).toEqual(dataKey);
    expect(await opens(from)).toBe('other_key');
  }
});
