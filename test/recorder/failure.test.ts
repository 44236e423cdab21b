import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ChannelRecording } from '../../src/domain/recording.ts';
import { FRAME } from '../../src/recorder/frame.ts';
import { RecorderThread } from '../../src/recorder/thread.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { eventually, within } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';
import { smallDisk, withSmallDisks } from '../support/small-disk.ts';
import { lab, start } from './lab.ts';
import { SEALING_KEY } from './sealing.ts';

function failureOf(recording: ChannelRecording): Promise<Error> {
  const { promise, resolve } = Promise.withResolvers<Error>();
  recording.onFailure(resolve);
  return within('the failure', promise);
}

const BROKE = { code: 'recording.broke', message: expect.stringMatching(/broke/) };

withSmallDisks.describe('on a disk of its own', () => {
  test('a full disk fails the recording once, and the file ends in a whole line', async () => {
    using place = scratch();
    using disk = smallDisk(place.join('disk'), '1m');
    await using at = await lab({ root: `${disk.path}/recordings` });
    const recording = await at.recorder.start(start());
    const failed = failureOf(recording);
    let told = 0;
    recording.onFailure(() => {
      told += 1;
    });
    const line = 'a line of output\r\n'.repeat(500);
    for (let count = 0; count < 200; count += 1) recording.output(Buffer.from(`${count} ${line}`));
    expect(await failed).toMatchObject(BROKE);
    expect(JSON.stringify(at.log.lines)).toMatch(/no space left/i);
    await expect(recording.end({ type: 'code', code: 0 })).rejects.toMatchObject(BROKE);
    expect(recording.output(Buffer.from('more'))).toBe(true);
    const file = readFileSync(`${disk.path}/recordings/${recording.key}`);
    expect(checkAsciicast(file).text.startsWith('0 a line of output')).toBe(true);
    expect(told).toBe(1);

    // Without room even for a header, no other is made.
    expect(() => writeFileSync(`${disk.path}/filler`, Buffer.alloc(2_000_000))).toThrow(/ENOSPC/);
    await expect(at.recorder.start(start({ channel: 2 }))).rejects.toMatchObject({
      code: 'recording.refused',
    });
  });

  test('a file system that becomes read-only fails the recording, and no new one is made', async () => {
    using place = scratch();
    using disk = smallDisk(place.join('disk'), '8m');
    await using at = await lab({ root: `${disk.path}/recordings` });
    const done = await at.recorder.start(start());
    await done.end(null);
    disk.readOnly();
    await expect(at.recorder.start(start({ channel: 2 }))).rejects.toMatchObject({
      code: 'recording.refused',
    });
  });
});

test('a directory that is removed fails the recording, though writes still succeed', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  const failed = failureOf(recording);
  rmSync(at.root, { recursive: true });
  recording.output(Buffer.from('lost'));
  expect(await failed).toMatchObject(BROKE);
  await expect(recording.end(null)).rejects.toMatchObject(BROKE);
  await expect(at.recorder.start(start())).rejects.toMatchObject({ code: 'recording.refused' });
});

test('a file that is replaced fails the recording; others go on', async () => {
  await using at = await lab();
  const [one, two] = await Promise.all([
    at.recorder.start(start()),
    at.recorder.start(start({ channel: 2 })),
  ]);
  const failed = failureOf(one);
  const path = `${at.root}/${one.key}`;
  renameSync(path, `${path}.away`);
  one.output(Buffer.from('a'));
  two.output(Buffer.from('b'));
  expect(await failed).toMatchObject(BROKE);
  expect(await two.end(null)).toMatchObject({ recordedBytes: 1 });
});

test('who asks late hears of the failure at once', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  rmSync(at.root, { recursive: true });
  await expect(recording.end(null)).rejects.toMatchObject(BROKE);
  expect(await failureOf(recording)).toMatchObject(BROKE);
});

test('a start that the disk does not answer in time is refused and leaves no file', async () => {
  // The thread itself takes longer than this to load.
  await using at = await lab({ deadlineMs: 1 });
  await expect(at.recorder.start(start())).rejects.toMatchObject({ code: 'recording.refused' });

  // An answer that comes too late: the file that was made for nobody is gone again.
  const { promise, resolve } = Promise.withResolvers<string>();
  const root = at.scratch.join('late');
  mkdirSync(root);
  const thread = new RecorderThread(
    { root, sealingKey: SEALING_KEY, encryption: null, commitInterval: 100 },
    { message: ({ type }) => type === 'opened' && resolve(type), died: () => undefined },
  );
  for (const channel of [1, 2]) {
    const keys = [`channel-${channel}.cast`];
    thread.post({ type: 'open', channel, keys, header: '{}\n', cap: null, typed: null });
    if (channel === 1) thread.post({ type: 'abandon', channel });
  }
  await within('the other file', promise);
  await eventually('the abandoned file gone', () => readdirSync(root).join() === 'channel-2.cast');
  await thread.stop();
});

test('a thread that dies fails what is live and what is being opened; the next start has a new one', async () => {
  const threads: RecorderThread[] = [];
  await using at = await lab({
    startThread: (settings, listener) => {
      const thread = new RecorderThread(settings, listener);
      threads.push(thread);
      return thread;
    },
  });
  const recording = await at.recorder.start(start());
  recording.output(Buffer.from('before'));
  const failed = failureOf(recording);
  const opening = at.recorder.start(start({ channel: 2 }));
  // A size of one byte on the first channel is a defect: the thread throws.
  threads[0]?.tap.put(1, FRAME.resize, 0, new Uint8Array(1));
  threads[0]?.tap.flush();
  expect(await failed).toMatchObject(BROKE);
  await opening.then(
    (other) => expect(failureOf(other)).resolves.toMatchObject(BROKE),
    (error: unknown) => expect(error).toMatchObject({ code: 'recording.refused' }),
  );
  await expect(recording.end(null)).rejects.toMatchObject(BROKE);
  expect(at.log.lines.filter(({ message }) => message.includes('thread died')).length).toBe(1);

  const next = await at.recorder.start(start({ channel: 3 }));
  next.output(Buffer.from('after'));
  await next.end(null);
  expect(at.cast(next).text).toBe('after');
  expect(threads.length).toBe(2);
});
