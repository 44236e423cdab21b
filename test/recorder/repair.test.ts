import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import type { Seal } from '../../src/domain/seal.ts';
import { repairRecording } from '../../src/recorder/repair.ts';
import { verifyRecording } from '../../src/recorder/verify.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { type Lab, lab, start } from './lab.ts';
import { KEYS, SIGNER } from './sealing.ts';

const HEADER = '{"version":3,"term":{"cols":90,"rows":20}}\n';
const MEANS = { signer: SIGNER, noted: [] };
const DAY = '2026/11/22';

function put(place: Scratch, name: string, content: string | Buffer): string {
  const key = `${DAY}/${name}.cast`;
  mkdirSync(dirname(place.join(key)), { recursive: true });
  writeFileSync(place.join(key), content);
  return key;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A finished recording with every kind of line. */
async function finished(at: Lab) {
  const recording = await at.recorder.start(start({ pty: null }));
  recording.output(Buffer.from('中\n'));
  recording.error(Buffer.from([0xff, 0x41]));
  recording.output(Buffer.from('end'));
  const receipt = await recording.end({ type: 'code', code: 0 });
  return { receipt, bytes: at.bytes(recording), path: `${at.root}/${recording.key}` };
}

test('a file cut at any byte is repaired to its whole events, and sealed there', async () => {
  await using at = await lab();
  const { receipt, bytes: all, path } = await finished(at);
  for (let length = all.indexOf('\n') + 1; length < all.length; length += 1) {
    writeFileSync(path, all.subarray(0, length));
    const repaired = await repairRecording(at.root, receipt.key, MEANS);
    const bytes = readFileSync(path);
    const cast = checkAsciicast(bytes);
    const recordedBytes = cast.output.length + cast.error.length;
    expect(repaired).toMatchObject({
      state: 'recovered',
      reason: null,
      receipt: {
        key: receipt.key,
        size: bytes.length,
        recordedBytes,
        duration: cast.events.at(-1)?.at ?? 0,
        sha256: sha256(bytes),
      },
    });
    const isMarked = cast.events.at(-1)?.code === 'm';
    expect(isMarked).toBe(cast.exitStatus === null);
    const added = bytes.lastIndexOf(isMarked ? '[0.000,"m","postern: what came after' : '# seal ');
    expect(bytes.subarray(0, added)).toEqual(all.subarray(0, added));
    expect(added).toBeLessThanOrEqual(length);
    expect(await verifyRecording(whole(bytes), { keys: KEYS })).toMatchObject({
      state: 'recovered',
      size: bytes.length,
      recordedBytes,
    });
  }
}, 60_000);

test('one that was finished is left as it is', async () => {
  await using at = await lab();
  const { receipt, bytes, path } = await finished(at);
  const repaired = await repairRecording(at.root, receipt.key, MEANS);
  expect(repaired).toMatchObject({ state: 'complete', receipt: { ...receipt, seal: {} } });
  expect(repaired.receipt?.seal.line).toBe(receipt.seal.line);
  expect(readFileSync(path)).toEqual(bytes);
});

test('one that was repaired is left as it is the next time', async () => {
  await using at = await lab();
  const { receipt, bytes, path } = await finished(at);
  writeFileSync(path, bytes.subarray(0, bytes.length - 3));
  const first = await repairRecording(at.root, receipt.key, MEANS);
  const second = await repairRecording(at.root, receipt.key, MEANS);
  expect(second).toMatchObject({ state: 'recovered', receipt: { sha256: first.receipt?.sha256 } });
});

test('what a power cut leaves behind the last line is cut off', async () => {
  using place = scratch();
  const good = `${HEADER}[0.100,"o","a"]\n`;
  const ends = [
    '\0'.repeat(4096),
    '\0\0\0\n[0.1,"o","b"]\n',
    '# stderr 1\n',
    '# stderr 1\n# bytes /w==\n[0.1,"o',
  ];
  for (const [index, end] of ends.entries()) {
    const key = put(place, `sess_1-${index + 1}`, good + end);
    expect(await repairRecording(place.path, key, MEANS)).toMatchObject({ state: 'recovered' });
    expect(checkAsciicast(readFileSync(place.join(key))).text).toBe('a');
  }
});

test('what is not what was sealed is evidence, and stays as it is', async () => {
  await using at = await lab();
  const { receipt, bytes, path } = await finished(at);
  const changed = (find: string, by: string) =>
    Buffer.from(bytes.toString('latin1').replace(find, by), 'latin1');
  const cases = [
    changed('"end"]', '"END"]'),
    Buffer.concat([bytes, Buffer.from('[0.1,"o","more"]\n')]),
    Buffer.concat([bytes, Buffer.from('half a line')]),
  ];
  for (const content of cases) {
    writeFileSync(path, content);
    const repaired = await repairRecording(at.root, receipt.key, MEANS);
    expect(repaired).toMatchObject({ state: 'tampered', receipt: null });
    expect(readFileSync(path)).toEqual(content);
  }
});

test('damaged and foreign files are results, unchanged', async () => {
  using place = scratch();
  const picture = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0a, 0xff]);
  const keys = [
    put(place, 'sess_1-1', picture),
    put(place, 'sess_2-1', ''),
    '../outside.cast',
    `${DAY}/sess_3-1.cast`,
    put(place, 'sess_4-1', HEADER),
  ];
  symlinkSync(place.join(keys[0] ?? ''), place.join(`${DAY}/sess_5-1.cast`));
  const states: string[] = [];
  for (const key of [...keys, `${DAY}/sess_5-1.cast`]) {
    states.push((await repairRecording(place.path, key, MEANS)).state);
  }
  expect(states).toEqual(['failed', 'failed', 'failed', 'failed', 'recovered', 'tampered']);
  expect(readFileSync(place.join(keys[0] ?? ''))).toEqual(picture);
  const nowhere = await repairRecording(place.join('nowhere'), keys[0] ?? '', MEANS);
  expect(nowhere).toMatchObject({ state: 'failed', reason: 'the file is not there' });
});

/** A recording of several parts, with the seals that were noted while it was made. */
async function inParts(at: Lab) {
  const noted: Seal[] = [];
  const recording = await at.recorder.start(start());
  recording.onSeal((seal) => noted.push(seal));
  const chunk = Buffer.from('drwxr-xr-x 2 root root 4096 Nov 22 10:20 x\r\n'.repeat(500));
  for (let sent = 0; sent < 1_200_000; sent += chunk.length) recording.output(chunk);
  const { key } = await recording.end({ type: 'code', code: 0 });
  return { key, noted, bytes: at.bytes(recording), path: `${at.root}/${key}` };
}

test('where seals were noted, nothing else is vouched for: a file without them stays unsealed', async () => {
  await using at = await lab();
  const { key, noted, bytes, path } = await inParts(at);
  expect(noted.length).toBeGreaterThan(2);
  const means = { signer: SIGNER, noted: noted.slice(0, -1) };
  const lines = bytes.toString().split('\n');
  const without = lines.filter((line) => !line.startsWith('# seal')).join('\n');
  const header = lines[0] ?? '';
  const second = noted[1]?.end ?? 0;
  const damaged = Buffer.from(bytes.subarray(0, (noted.at(-2)?.end ?? 0) + 400));
  damaged[second + 600] = 0x0a;
  const cases: [string, string | Buffer, string][] = [
    ['a longer forgery', without, 'tampered'],
    ['a shorter one', `${header}\n[0.100,"o","nothing happened"]\n`, 'truncated'],
    ['a lost tail', bytes.subarray(0, second - 10), 'truncated'],
    ['a damaged part', damaged, 'tampered'],
  ];
  for (const [name, content, state] of cases) {
    writeFileSync(path, content);
    const repaired = await repairRecording(at.root, key, means);
    expect(repaired, name).toMatchObject({ receipt: null });
    expect([name, repaired.state]).toEqual([name, state]);
    expect(readFileSync(path), name).toEqual(Buffer.from(content));
  }
});

test('a seal that nobody noted is no more than the bytes before it: a hole there is a crash', async () => {
  await using at = await lab();
  const { key, noted, bytes, path } = await inParts(at);
  const [first, second] = noted;
  const holed = Buffer.from(bytes.subarray(0, (noted[2]?.end ?? 0) + 300));
  holed.fill(0, (first?.end ?? 0) + 1000, (second?.end ?? 0) - 1000);
  writeFileSync(path, holed);
  const means = { signer: SIGNER, noted: noted.slice(0, 1) };
  expect(await repairRecording(at.root, key, means)).toMatchObject({ state: 'recovered' });
  const seals = { keys: KEYS, seals: noted.slice(0, 1) };
  expect(await verifyRecording(whole(readFileSync(path)), seals)).toMatchObject({
    state: 'recovered',
  });
});

test('past the cap nobody knows after a crash how much there was, and a finished one says it', async () => {
  await using at = await lab({ pipedCap: 100 });
  const recording = await at.recorder.start(start({ pty: null }));
  recording.output(Buffer.alloc(500, 'x'));
  const { key } = await recording.end({ type: 'code', code: 0 });
  const path = `${at.root}/${key}`;
  expect((await repairRecording(at.root, key, MEANS)).receipt?.recordedBytes).toBe(500);
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.lastIndexOf('# seal')));
  expect((await repairRecording(at.root, key, MEANS)).receipt?.recordedBytes).toBeNull();
});

test.each(['gap', 'truncated'] as const)('what is left of a %s is sealed as that', async (left) => {
  await using at = await lab();
  const { receipt, bytes: all, path } = await finished(at);
  // The recorder stopped in the middle of a line.
  writeFileSync(path, all.subarray(0, all.indexOf('"end"') + 3));
  const repaired = await repairRecording(at.root, receipt.key, { ...MEANS, left });
  const bytes = readFileSync(path);
  expect(repaired).toMatchObject({ state: left, reason: null, receipt: { size: bytes.length } });
  const { events } = checkAsciicast(bytes);
  expect(events.at(-1)).toMatchObject({ code: 'm', data: expect.stringContaining('broke here') });
  const { recordedBytes } = repaired.receipt ?? {};
  expect(await verifyRecording(whole(bytes), { keys: KEYS })).toMatchObject({
    state: left,
    recordedBytes,
  });
  // Once more changes nothing.
  expect((await repairRecording(at.root, receipt.key, { ...MEANS, left })).state).toBe(left);
  expect(readFileSync(path)).toEqual(bytes);
});
