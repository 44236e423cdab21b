import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { repairRecording, repairRecordings } from '../../src/recorder/repair.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { lab, start } from './lab.ts';

const HEADER = '{"version":3,"term":{"cols":90,"rows":20}}\n';
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

test('a file cut at any byte is repaired to its whole lines, and says what it is then', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start({ pty: null }));
  recording.output(Buffer.from('中\n'));
  recording.error(Buffer.from([0xff, 0x41]));
  recording.output(Buffer.from('end'));
  const receipt = await recording.end({ type: 'code', code: 0 });
  const whole = at.bytes(recording);
  const headerEnd = whole.indexOf('\n') + 1;
  const path = `${at.root}/${recording.key}`;
  for (let length = headerEnd; length <= whole.length; length += 1) {
    writeFileSync(path, whole.subarray(0, length));
    const [repair] = await repairRecordings(at.root, [recording.key]);
    const bytes = readFileSync(path);
    const cast = checkAsciicast(bytes);
    expect(repair).toEqual({
      key: recording.key,
      outcome: 'recovered',
      cut: length - bytes.length,
      receipt: {
        key: recording.key,
        size: bytes.length,
        recordedBytes: cast.output.length + cast.error.length,
        duration: cast.events.at(-1)?.at ?? 0,
        sha256: sha256(bytes),
      },
    });
    expect(bytes).toEqual(whole.subarray(0, bytes.length));
  }
  expect(await repairRecording(at.root, recording.key)).toEqual(receipt);
}, 60_000);

test('what a power cut leaves behind the last line is cut off', async () => {
  using place = scratch();
  const good = `${HEADER}[0.1,"o","a"]\n`;
  const key = put(place, 'sess_1-1', `${good}${'\0'.repeat(4096)}`);
  const zeros = put(place, 'sess_1-2', `${good}\0\0\0\n[0.1,"o","b"]\n`);
  expect(await repairRecordings(place.path, [key, zeros])).toMatchObject([
    { outcome: 'recovered', cut: 4096 },
    { outcome: 'recovered', cut: 18 },
  ]);
  expect(readFileSync(place.join(key), 'utf8')).toBe(good);
  expect(readFileSync(place.join(zeros), 'utf8')).toBe(good);
});

test('damaged and foreign files are results, unchanged, and do not stop the others', async () => {
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
  const repairs = await repairRecordings(place.path, [...keys, `${DAY}/sess_5-1.cast`]);
  expect(repairs.map(({ outcome }) => outcome)).toEqual([
    'damaged',
    'damaged',
    'damaged',
    'missing',
    'recovered',
    'damaged',
  ]);
  expect(readFileSync(place.join(keys[0] ?? ''))).toEqual(picture);
  expect(await repairRecording(place.path, keys[0] ?? '')).toBeNull();
  expect((await repairRecordings(place.join('nowhere'), keys)).map((one) => one.outcome)).toEqual([
    'missing',
    'missing',
    'damaged',
    'missing',
    'missing',
  ]);
});
