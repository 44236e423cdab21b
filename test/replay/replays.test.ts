import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { NO_KEYS, type RecordingKeys } from '../../src/domain/recording-keys.ts';
import type { ReplayIndex } from '../../src/domain/replay.ts';
import { nodeKeyOf } from '../../src/envelope/node-key.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { FileReplays } from '../../src/replay/replays.ts';
import { type Lab, lab, start } from '../recorder/lab.ts';
import { newAgeKeys } from '../support/age-keys.ts';
import { eventually } from '../support/eventually.ts';

const WORKER = new URL('../../src/app/replay-worker.ts', import.meta.url);

function open(at: Lab, keys: RecordingKeys = NO_KEYS): FileReplays & AsyncDisposable {
  const library = openLibrary(at.root, keys);
  const replays = new FileReplays({
    ...{ library, root: at.root, keys, worker: WORKER, log: at.log },
    shown: null,
  });
  return Object.assign(replays, { [Symbol.asyncDispose]: () => replays.close() });
}

/** A recording of some segments. */
async function recorded(at: Lab, options = {}): Promise<string> {
  const recording = await at.recorder.start(start(options));
  const line = Buffer.from(`\x1b[32m${'text '.repeat(12)}\x1b[0m\n`);
  for (let n = 0; n < 20_000; n += 1) {
    if (!recording.output(line)) await new Promise<void>((done) => recording.onDrain(done));
  }
  await recording.end({ type: 'code', code: 0 });
  return recording.key;
}

async function prepared(replays: FileReplays, key: string): Promise<ReplayIndex> {
  await eventually('the index is there', async () =>
    (await replays.prepare(key)).state === 'ready' ? true : null,
  );
  const index = await replays.index(key);
  if (index === null) throw new Error('there is no index');
  return index;
}

async function segmentOf(replays: FileReplays, key: string, index: ReplayIndex, at: number) {
  const packed = await replays.segment(key, index.build, at);
  return packed === null ? null : gunzipSync(packed).toString();
}

test('an index is made beside the recording, and its segments say all that is played', async () => {
  await using at = await lab();
  const key = await recorded(at);
  await using replays = open(at);
  expect(await replays.prepare(key)).toEqual({ state: 'preparing', progress: 0 });
  const index = await prepared(replays, key);
  expect(index).toMatchObject({ cols: 100, rows: 30, markers: [] });
  expect(index.starts.length).toBeGreaterThan(2);
  let played = '';
  for (const n of index.starts.keys()) {
    const { events } = JSON.parse((await segmentOf(replays, key, index, n)) ?? 'null');
    for (const [, code, data] of events) if (code === 'o') played += data;
  }
  const shown = at.cast({ key }).events.filter(({ code }) => code === 'o');
  expect(played).toBe(shown.map(({ data }) => data).join(''));
  expect(await replays.segment(key, index.build, index.starts.length)).toBe(null);
  expect(await replays.segment(key, 'another', 0)).toBe(null);
  expect(existsSync(`${at.root}/${key}.replay.tmp`)).toBe(false);
});

test('what a program without a terminal writes begins at the left', async () => {
  await using at = await lab();
  const key = await recorded(at, { pty: null, command: 'make' });
  await using replays = open(at);
  const index = await prepared(replays, key);
  expect(await segmentOf(replays, key, index, 0)).toContain('\\r\\n');
});

test('an index that is damaged, cut or foreign, or of another recording, is made anew', async () => {
  await using at = await lab();
  const key = await recorded(at);
  const file = `${at.root}/${key}.replay`;
  await using replays = open(at);
  let last = await prepared(replays, key);
  const good = readFileSync(file);
  const broken: (() => void)[] = [
    () => truncateSync(file, good.length - 1),
    () => writeFileSync(file, 'not an index'),
    () =>
      writeFileSync(
        file,
        Buffer.concat([good.subarray(0, -60), Buffer.alloc(40), good.subarray(-20)]),
      ),
    () => appendFileSync(`${at.root}/${key}`, '# a comment\n'),
  ];
  for (const breakIt of broken) {
    breakIt();
    const made = await prepared(replays, key);
    expect(made.build).not.toBe(last.build);
    expect(await segmentOf(replays, key, made, 1)).toContain('"snapshot"');
    last = made;
  }
});

test('a damaged segment is not handed out, and the index made anew', async () => {
  await using at = await lab();
  const key = await recorded(at);
  const file = `${at.root}/${key}.replay`;
  await using replays = open(at);
  const index = await prepared(replays, key);
  const bytes = readFileSync(file);
  bytes[200] = (bytes[200] ?? 0) ^ 0xff;
  writeFileSync(file, bytes);
  expect(await replays.segment(key, index.build, 0)).toBe(null);
  const made = await prepared(replays, key);
  expect(made.build).not.toBe(index.build);
  expect(await segmentOf(replays, key, made, 0)).toContain('"snapshot"');
});

test('what is no recording has none, and says so; it goes with its recording', async () => {
  await using at = await lab();
  const key = await recorded(at);
  await using replays = open(at);
  await prepared(replays, key);
  expect(await openLibrary(at.root).remove(key)).toBe(true);
  expect(existsSync(`${at.root}/${key}.replay`)).toBe(false);
  writeFileSync(`${at.root}/${key}`, 'no asciicast\n');
  await eventually('it is given up', async () =>
    (await replays.prepare(key)).state === 'failed' ? true : null,
  );
  expect(at.log.lines.at(-1)?.fields).toMatchObject({ key });
});

test('a recording whose end is cut is played up to there', async () => {
  await using at = await lab();
  const key = await recorded(at);
  truncateSync(`${at.root}/${key}`, 1_000_001);
  await using replays = open(at);
  const index = await prepared(replays, key);
  expect(index.starts.length).toBeGreaterThan(1);
});

test('the index of an encrypted recording is encrypted too, and none is made without an identity', async () => {
  const { identity, recipient } = await newAgeKeys();
  const nodeKey = nodeKeyOf(randomBytes(32));
  await using at = await lab({ encryption: { recipients: [recipient], nodeKey } });
  const key = await recorded(at);
  rmSync(`${at.root}/${key}.open`);
  await using locked = open(at);
  await eventually('it is given up', async () =>
    (await locked.prepare(key)).state === 'failed' ? true : null,
  );
  expect(existsSync(`${at.root}/${key}.replay`)).toBe(false);

  await using replays = open(at, { nodeKeys: [], identities: [identity] });
  const index = await prepared(replays, key);
  expect(index).toMatchObject({ cols: 100, rows: 30 });
  expect(index.starts.length).toBeGreaterThan(2);
  for (const n of index.starts.keys()) {
    expect(await segmentOf(replays, key, index, n)).toContain('text text');
  }
  const file = readFileSync(`${at.root}/${key}.replay`);
  expect(file.toString('latin1', 0, 30)).toBe('{"postern":"encrypted replay",');
  // No table, and no gzip member (RFC 1952).
  expect(file.includes('PSTNRPL1')).toBe(false);
  expect(file.includes(Buffer.from([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0]))).toBe(false);
  expect(await locked.index(key)).toBe(null);
});
