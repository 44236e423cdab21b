import { appendFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import type { CastEvent, RecordingLibrary } from '../../src/domain/recording.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { scratch } from '../support/scratch.ts';
import { lab, start, window } from './lab.ts';

const KEY = '2026/11/22/sess_12-1.cast';
const HEADER = '{"version":3,"term":{"cols":90,"rows":20},"timestamp":1795342830}\n';
const PIPED = HEADER.replace('}\n', ',"postern":{"pty":false}}\n');

/** A library over one file of this content. */
function shelf(content: string | Buffer | null) {
  const place = scratch();
  const path = place.join(KEY);
  mkdirSync(dirname(path), { recursive: true });
  if (content !== null) writeFileSync(path, content);
  const library: RecordingLibrary = openLibrary(place.path);
  return { library, path, place, [Symbol.dispose]: () => place[Symbol.dispose]() };
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await new Response(stream).arrayBuffer());
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of source) list.push(one);
  return list;
}

test('a recording of the recorder is read back: size, bytes, header, events', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start({ command: 'ls' }));
  recording.output(Buffer.from('中'));
  const receipt = await recording.end({ type: 'code', code: 0 });
  const library = openLibrary(at.root);
  const stored = await library.stat(recording.key);
  expect(stored?.size).toBe(receipt.size);
  expect(await bytesOf(library.read(recording.key, 0, receipt.size))).toEqual(at.bytes(recording));
  expect(await library.header(recording.key)).toEqual({
    version: 3,
    cols: 100,
    rows: 30,
    timestamp: 1_795_342_830,
    command: 'ls',
    title: 'alice on deploy@web1',
    pty: true,
  });
  const events = at.cast(recording).events.map((event) => ({ ...event, isError: false }));
  expect(await all(library.events(recording.key))).toEqual(events);
  expect(await library.remove(recording.key)).toBe(true);
  expect(await library.remove(recording.key)).toBe(false);
  expect(await library.stat(recording.key)).toBeNull();
});

test('any range is read, and one beyond the end breaks instead of looking whole', async () => {
  using at = shelf(HEADER.padEnd(200_000, '#comment\n'));
  const whole = await bytesOf(at.library.read(KEY, 0, 200_000));
  for (const [from, to] of [
    [0, 0],
    [0, 1],
    [65_535, 65_537],
    [199_999, 200_000],
    [10, 190_000],
  ] as const) {
    expect(await bytesOf(at.library.read(KEY, from, to))).toEqual(whole.subarray(from, to));
  }
  await expect(bytesOf(at.library.read(KEY, 0, 200_001))).rejects.toThrow(/ends at 200000/);
});

test('a reader that goes away leaves no file open', async () => {
  using at = shelf(HEADER + '[0.1,"o","abcdefgh"]\n'.repeat(50_000));
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const before = openFiles();
  const streams = [at.library.read(KEY, 0, 500_000), at.library.readV2(KEY)];
  for (const stream of streams) {
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
  }
  for await (const _event of at.library.events(KEY)) break;
  for await (const _entry of at.library.logs(KEY)) break;
  expect(openFiles()).toBe(before);
});

test('while it is written, and after a cut, it ends at the last whole line', async () => {
  using at = shelf(`${HEADER}[0.1,"o","a"]\n[0.2,"o","b`);
  const whole = HEADER.length + 14;
  expect((await at.library.stat(KEY))?.size).toBe(whole);
  expect((await all(at.library.events(KEY))).map(({ data }) => data)).toEqual(['a']);
  appendFileSync(at.path, '"]\n');
  expect((await at.library.stat(KEY))?.size).toBe(whole + 14);
  expect((await all(at.library.events(KEY))).map(({ at: time }) => time)).toEqual([0.1, 0.3]);
});

test('the last whole line is found behind megabytes without an end', async () => {
  using at = shelf(`${HEADER}${'x'.repeat(3_000_000)}`);
  expect((await at.library.stat(KEY))?.size).toBe(HEADER.length);
});

test.each([
  ['no JSON', '[0.1,"o","a\n'],
  ['zeros', `${'\0'.repeat(500)}\n`],
  ['an object', '{"o":"a"}\n'],
  ['data that is no string', '[0.1,"o",{}]\n'],
  ['time that is no number', '["1","o","a"]\n'],
  ['a negative time', '[-1,"o","a"]\n'],
])('%s in the middle ends the events without an error', async (_name, damage) => {
  using at = shelf(`${HEADER}[0.1,"o","a"]\n${damage}[0.1,"o","b"]\n`);
  expect((await all(at.library.events(KEY))).map(({ data }) => data)).toEqual(['a']);
});

test('comments and empty lines are neither events nor damage', async () => {
  using at = shelf(`${HEADER}# note\n\n[0.1,"o","a"]\n`);
  expect((await all(at.library.events(KEY))).length).toBe(1);
});

test('times of a long recording add up exactly', async () => {
  using at = shelf(HEADER + '[0.1,"o","a"]\n'.repeat(100_000));
  let last: CastEvent | null = null;
  for await (const event of at.library.events(KEY)) last = event;
  expect(last?.at).toBe(10_000);
});

test.each([
  ['empty', ''],
  ['half a header', '{"version":3,"te'],
  ['another version', '{"version":1,"width":80,"height":24,"stdout":[]}\n'],
  ['an impossible size', '{"version":3,"term":{"cols":0,"rows":24}}\n'],
  ['a picture', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0a, 0xff, 0xfe, 0x0a])],
])('a foreign file (%s) is named as damaged', async (_name, content) => {
  using at = shelf(content);
  const damaged = { code: 'recording.damaged', message: expect.stringContaining('session 12') };
  await expect(at.library.header(KEY)).rejects.toMatchObject(damaged);
  await expect(all(at.library.events(KEY))).rejects.toMatchObject(damaged);
  await expect(bytesOf(at.library.readV2(KEY))).rejects.toMatchObject(damaged);
  expect(await at.library.stat(KEY)).not.toBeNull();
});

test('what is not there is named as missing', async () => {
  using at = shelf(null);
  const missing = { code: 'recording.missing', message: expect.stringContaining('session 12') };
  await expect(at.library.header(KEY)).rejects.toMatchObject(missing);
  await expect(bytesOf(at.library.read(KEY, 0, 1))).rejects.toMatchObject(missing);
  const nowhere = openLibrary(at.place.join('no-such-directory'));
  expect(await nowhere.stat(KEY)).toBeNull();
  expect(await at.library.stat('2026/11/22')).toBeNull();
});

test.each([
  '../secret',
  '/etc/passwd',
  'a/../../b',
  'a\0b',
  '',
  '.',
  'a//b',
  'a/./b',
  'x'.repeat(300),
])('the key %j is refused', async (key) => {
  using at = shelf(HEADER);
  await expect(at.library.stat(key)).rejects.toThrow(/not the key of a recording/);
  await expect(at.library.remove(key)).rejects.toThrow(/not the key of a recording/);
  await expect(bytesOf(at.library.read(key, 0, 1))).rejects.toThrow(/not the key/);
});

test('a symbolic link, to a file or on the way to it, is not followed', async () => {
  using at = shelf(HEADER);
  symlinkSync(at.path, at.place.join('2026/11/22/sess_13-1.cast'));
  symlinkSync(at.place.join('2026'), at.place.join('2027'));
  await expect(at.library.stat('2026/11/22/sess_13-1.cast')).rejects.toThrow(/ELOOP/);
  await expect(at.library.stat('2027/11/22/sess_12-1.cast')).rejects.toThrow(/symbolic link/);
});

test('v2 has absolute times and what v2 knows alone', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start({ command: 'x', pty: null }));
  recording.output(Buffer.from('one\r'));
  recording.output(Buffer.from('\ntwo\n\n'));
  recording.error(Buffer.from('three\n'));
  recording.output(Buffer.from([0xff]));
  recording.resize(window(40, 10));
  await recording.end({ type: 'code', code: 3 });
  const v3 = at.cast(recording);
  const v2 = checkAsciicast(await bytesOf(openLibrary(at.root).readV2(recording.key)));
  expect(v2).toMatchObject({ version: 2, cols: 80, rows: 24, exitStatus: null });
  expect(v2.header).toMatchObject({ timestamp: 1_795_342_830, command: 'x' });
  expect(v2.text).toBe('one\r\ntwo\r\n\r\nthree\r\n\ufffd');
  expect(v2.events).toEqual(
    v3.events
      .filter(({ code }) => 'or'.includes(code))
      .map((event) => ({ ...event, data: expect.any(String) })),
  );
});

test('for playback comments are left out and the times stay', async () => {
  using at = shelf(
    `${PIPED}# stderr 2\n# bytes YQo=\n[0.5,"o","a\\n"]\n[1.000,"o","b\\r\\n"]\n[0.1,"x","0"]\n`,
  );
  const played = checkAsciicast(await bytesOf(at.library.readForPlayback(KEY)));
  expect(played.events).toEqual([
    { at: 0.5, code: 'o', data: 'a\r\n' },
    { at: 1.5, code: 'o', data: 'b\r\n' },
    { at: 1.6, code: 'x', data: '0' },
  ]);
});

test('with a terminal newlines are the program’s own', async () => {
  using at = shelf(`${HEADER}[0.5,"o","a\\nb"]\n`);
  expect(checkAsciicast(await bytesOf(at.library.readForPlayback(KEY))).text).toBe('a\nb');
});

test('a recording without events has one for the player', async () => {
  using at = shelf(HEADER);
  const played = checkAsciicast(await bytesOf(at.library.readForPlayback(KEY)));
  expect(played.events).toEqual([{ at: 0, code: 'o', data: '' }]);
});
