import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ExitStatus } from '../../src/domain/terminal.ts';
import { openRecorder } from '../../src/recorder/recorder.ts';
import { within } from '../support/eventually.ts';
import { lab, listeningLog, PTY, randomNumbers, start, window } from './lab.ts';
import { SEALING_KEY } from './sealing.ts';

const DONE: ExitStatus = { type: 'code', code: 0 };

function signal(name: string): ExitStatus {
  return { type: 'signal', signal: name, coreDumped: false, message: '' };
}

test('a session with a terminal becomes a file of ids, closed to others, as its receipt says', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start({ command: 'top -d 1 "é"' }));
  expect(recording.key).toBe('2026/11/22/sess_12-1.cast');
  recording.output(Buffer.from('one '));
  recording.resize(window(132, 43));
  recording.output(Buffer.from('two'));
  const receipt = await recording.end({ type: 'code', code: 7 });

  const cast = at.cast(recording);
  expect(cast.events.map(({ code, data }) => [code, data])).toEqual([
    ['o', 'one '],
    ['r', '132x43'],
    ['o', 'two'],
    ['x', '7'],
  ]);
  expect(cast.header).toEqual({
    version: 3,
    term: { cols: 100, rows: 30, type: 'xterm-256color' },
    timestamp: 1_795_342_830,
    command: 'top -d 1 "é"',
    title: 'alice on deploy@web1',
    postern: { session: 12, channel: 1, pty: true, startedAt: '2026-11-22T10:20:30.456Z' },
  });
  const bytes = at.bytes(recording);
  expect(receipt).toEqual({
    key: recording.key,
    size: bytes.length,
    recordedBytes: 7,
    duration: cast.events.at(-1)?.at,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    seal: expect.objectContaining({ part: 1 }),
  });
  expect(bytes.toString().endsWith(`\n${receipt.seal.line}\n`)).toBe(true);
  expect(statSync(`${at.root}/${recording.key}`).mode & 0o777).toBe(0o600);
  for (const directory of ['', '2026', '2026/11', '2026/11/22']) {
    expect(statSync(`${at.root}/${directory}`).mode & 0o777).toBe(0o700);
  }
});

test('a program without a terminal keeps its bytes as they are, stderr told apart', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start({ pty: null, command: 'make' }));
  recording.output(Buffer.from('out\n'));
  recording.error(Buffer.from('err 中\n'));
  recording.output(Buffer.from('more\n'));
  await recording.end(DONE);
  const cast = at.cast(recording);
  expect([cast.cols, cast.rows]).toEqual([80, 24]);
  expect(Object.entries(cast.header).at(-1)?.[1]).toMatchObject({ pty: false });
  expect(cast.output.toString()).toBe('out\nmore\n');
  expect(cast.error.toString()).toBe('err 中\n');
  expect(cast.text).toBe('out\nerr 中\nmore\n');
});

test.each([
  [{ type: 'code', code: 0 } as const, 0],
  [{ type: 'code', code: 255 } as const, 255],
  [signal('KILL'), 137],
  [signal('TERM'), 143],
  [signal('NOSUCH'), 255],
  [null, null],
])('the end %j is the exit status %s', async (exit, status) => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  recording.output(Buffer.from('a'));
  await recording.end(exit);
  expect(at.cast(recording).exitStatus).toBe(status);
});

test('ending twice is one end and one receipt; what comes after is not recorded', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  recording.output(Buffer.from('a'));
  const first = recording.end(DONE);
  expect(recording.output(Buffer.from('late'))).toBe(true);
  recording.resize(window(1, 1));
  const second = recording.end({ type: 'code', code: 9 });
  expect(await first).toBe(await second);
  expect(recording.end(null)).toBe(first);
  expect(at.cast(recording)).toMatchObject({ text: 'a', exitStatus: 0 });
});

test('a chunk is copied at once: its memory may be used again', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  const chunk = Buffer.from('first');
  recording.output(chunk);
  chunk.fill('x');
  await recording.end(DONE);
  expect(at.cast(recording).text).toBe('first');
});

test('a chunk of megabytes, and one that is empty', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  const text = '中文字符 0123456789\r\n'.repeat(60_000);
  recording.output(new Uint8Array(0));
  recording.output(Buffer.from(text));
  const receipt = await recording.end(DONE);
  expect(receipt.recordedBytes).toBe(Buffer.byteLength(text));
  const cast = at.cast(recording);
  expect(cast.text === text).toBe(true);
  expect(cast.exactTexts).toBe(0);
});

test('sizes that no terminal has are made into ones', async () => {
  await using at = await lab();
  const pty = { ...PTY, window: window(0, 4_000_000_000) };
  const recording = await at.recorder.start(start({ pty }));
  recording.resize(window(70_000, 0));
  await recording.end(DONE);
  const cast = at.cast(recording);
  expect([cast.cols, cast.rows]).toEqual([80, 65_535]);
  expect(cast.events[0]?.data).toBe('65535x24');
});

test('the output of a program without a terminal is kept up to the cap, a terminal has none', async () => {
  await using at = await lab({ pipedCap: 1000 });
  const piped = await at.recorder.start(start({ pty: null, command: 'cat' }));
  const shell = await at.recorder.start(start({ channel: 2 }));
  const chunk = Buffer.alloc(700, 'z');
  for (const recording of [piped, shell]) {
    recording.output(chunk);
    recording.output(chunk);
  }
  expect((await piped.end(DONE)).recordedBytes).toBe(1400);
  await shell.end(DONE);
  expect(at.cast(piped).text.length).toBe(1000);
  expect(at.cast(piped).events.filter(({ code }) => code === 'm').length).toBe(2);
  expect(at.cast(shell).text.length).toBe(1400);
});

test('fifty recordings at one time keep apart', async () => {
  await using at = await lab();
  const numbers = Array.from({ length: 50 }, (_, index) => index + 1);
  const recordings = await Promise.all(
    numbers.map((channel) => at.recorder.start(start({ channel }))),
  );
  const random = randomNumbers(3);
  const expected = numbers.map(() => '');
  for (let round = 0; round < 2000; round += 1) {
    const index = random(50);
    const text = `${index}:${round}:${'é'.repeat(random(40))}\r\n`;
    expected[index] += text;
    recordings[index]?.output(Buffer.from(text));
  }
  await Promise.all(recordings.map((recording) => recording.end(DONE)));
  expect(recordings.map((recording) => at.cast(recording).text)).toEqual(expected);
});

test('an end that meets a sync under way is an end like any other', async () => {
  await using at = await lab({ commitIntervalMs: 2 });
  for (let round = 1; round <= 60; round += 1) {
    const recording = await at.recorder.start(start({ channel: round }));
    for (let count = 0; count < round; count += 1) {
      recording.output(Buffer.alloc(8_000, 'a'));
      await turn();
    }
    expect((await recording.end(DONE)).recordedBytes).toBe(round * 8_000);
  }
});

test('what was handed over is on disk in whole lines soon, long before the end', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  const directory = `${at.root}/2026/11/22`;
  recording.output(Buffer.from('seen'));
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    if (at.cast(recording).text === 'seen') resolve();
  }, 5);
  await within('the output on disk', promise, 5000).finally(() => clearInterval(timer));
  expect(readdirSync(directory)).toEqual(['sess_12-1.cast']);
});

test('a name that an older database has left is not written over', async () => {
  await using at = await lab();
  const first = await at.recorder.start(start());
  first.output(Buffer.from('old'));
  await first.end(DONE);
  const second = await at.recorder.start(start());
  expect(second.key).toBe('2026/11/22/sess_12-1.2.cast');
  second.output(Buffer.from('new'));
  await second.end(DONE);
  expect([at.cast(first).text, at.cast(second).text]).toEqual(['old', 'new']);
});

test('no recording is made through a symbolic link out of the directory', async () => {
  await using at = await lab();
  mkdirSync(at.scratch.join('elsewhere'));
  symlinkSync(at.scratch.join('elsewhere'), `${at.root}/2026`);
  await expect(at.recorder.start(start())).rejects.toMatchObject({ code: 'recording.refused' });
  expect(readdirSync(at.scratch.join('elsewhere'))).toEqual([]);
});

test('a file in the way of a directory refuses the recording and the next day works', async () => {
  await using at = await lab();
  mkdirSync(`${at.root}/2026/11`, { recursive: true });
  writeFileSync(`${at.root}/2026/11/22`, '');
  await expect(at.recorder.start(start())).rejects.toMatchObject({ code: 'recording.refused' });
  expect(at.log.lines.map(({ message }) => message)).toEqual(['a recording cannot be made']);
  const next = start({ startedAt: new Date('2026-11-23T00:00:00Z') });
  expect((await at.recorder.start(next)).key).toBe('2026/11/23/sess_12-1.cast');
});

test('closing ends what is live, with everything on disk, and then refuses', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  recording.output(Buffer.from('kept'));
  await at.recorder.close();
  expect(at.cast(recording)).toMatchObject({ text: 'kept', exitStatus: null });
  expect((await recording.end(DONE)).recordedBytes).toBe(4);
  await expect(at.recorder.start(start())).rejects.toMatchObject({ code: 'session.draining' });
  await at.recorder.close();
});

test('a directory that cannot be made is an error at once', async () => {
  await using at = await lab();
  writeFileSync(at.scratch.join('file'), '');
  chmodSync(at.scratch.join('file'), 0o600);
  const opening = openRecorder({
    root: at.scratch.join('file', 'below'),
    log: listeningLog(),
    sealingKey: SEALING_KEY,
  });
  await expect(opening).rejects.toThrow(/ENOTDIR/);
});

test('marks stand where they were made, as many as are kept, and count as no output', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  // A character in two chunks, and a mark between them.
  recording.output(Buffer.from('ü').subarray(0, 1));
  recording.mark('postern: forward-local 10.0.0.5:5432 (channel 2) opened');
  recording.output(Buffer.from('ü').subarray(1));
  recording.mark('漢'.repeat(2000));
  for (let count = 2; count < 1500; count += 1) recording.mark(`mark ${count}`);
  const receipt = await recording.end(DONE);
  recording.mark('too late');
  expect(recording.isOver).toBe(true);
  const { events } = at.cast(recording);
  expect(events.slice(0, 3).map(({ code, data }) => [code, data])).toEqual([
    ['m', 'postern: forward-local 10.0.0.5:5432 (channel 2) opened'],
    ['o', 'ü'],
    ['m', '漢'.repeat(340)],
  ]);
  const marks = events.filter(({ code }) => code === 'm');
  expect(marks).toHaveLength(1001);
  expect(marks.at(-1)?.data).toBe('postern: more marks than are kept');
  expect(receipt.recordedBytes).toBe(2);
});
