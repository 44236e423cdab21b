import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { SpaceWatch } from '../../src/recorder/space.ts';
import { verifyRecording } from '../../src/recorder/verify.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { eventually, within } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';
import { smallDisk, withSmallDisks } from '../support/small-disk.ts';
import { lab, listeningLog, start } from './lab.ts';
import { KEYS } from './sealing.ts';

const MB = 2 ** 20;

withSmallDisks.describe('where room is short', () => {
  test('none is begun, what was begun goes on, and it ends when there is room again', async () => {
    using place = scratch();
    using disk = smallDisk(place.join('disk'), '8m');
    await using at = await lab({ root: `${disk.path}/recordings`, minFree: 4 * MB });
    const before = await at.recorder.start(start());
    const giveBack = disk.take(5 * MB);
    await eventually('it is noticed', () =>
      at.log.lines.some(({ message }) => message === 'room for recordings is short'),
    );
    await expect(at.recorder.start(start({ channel: 2 }))).rejects.toMatchObject({
      code: 'recording.no_room',
    });
    before.output(Buffer.from('goes on'));
    expect(await before.end(null)).toMatchObject({ recordedBytes: 7 });
    giveBack();
    await eventually('it is over', () =>
      at.log.lines.some(({ message }) => message === 'there is room for recordings again'),
    );
    await (await at.recorder.start(start({ channel: 3 }))).end(null);
    expect(at.log.lines.filter(({ message }) => message.includes('room')).length).toBe(2);
  });

  test('a disk that fills up keeps what was sealed, and records again when there is room', async () => {
    using place = scratch();
    using disk = smallDisk(place.join('disk'), '4m');
    await using at = await lab({ root: `${disk.path}/recordings` });
    const recording = await at.recorder.start(start());
    const sealed: number[] = [];
    recording.onSeal(({ part }) => sealed.push(part));
    const failed = Promise.withResolvers<Error>();
    recording.onFailure(failed.resolve);
    const line = Buffer.from('a line of output\r\n'.repeat(20_000));
    recording.output(line);
    await eventually('a part is sealed', () => sealed.length > 0);
    for (let count = 0; count < 20; count += 1) recording.output(line);
    expect(await within('the failure', failed.promise)).toMatchObject({ code: 'recording.broke' });
    const file = readFileSync(`${disk.path}/recordings/${recording.key}`);
    expect(checkAsciicast(file).text.startsWith('a line of output\r\n')).toBe(true);
    const verdict = await verifyRecording(Readable.from([file]), { keys: KEYS });
    expect(verdict).toMatchObject({ state: 'open' });
    expect('parts' in verdict && verdict.parts).toBeGreaterThanOrEqual(sealed.length);

    rmSync(`${disk.path}/recordings/${recording.key}`);
    const next = await at.recorder.start(start({ channel: 3 }));
    next.output(Buffer.from('again'));
    await next.end(null);
    const again = readFileSync(`${disk.path}/recordings/${next.key}`);
    expect(checkAsciicast(again).text).toBe('again');
  });
});

test('room that nobody can look at is said once, and is not taken for little', async () => {
  using place = scratch();
  const log = listeningLog();
  const watch = await SpaceWatch.open({ root: place.join('gone'), least: 1, log, lookMs: 5 });
  expect(watch.state).toBe('down');
  mkdirSync(place.join('gone'));
  await eventually('it is there', () => watch.state === 'up');
  watch.close();
  expect(log.lines.map(({ message }) => message)).toEqual([
    'the room for recordings is not known',
    'there is room for recordings again',
  ]);
});
