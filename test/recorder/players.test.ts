import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ChannelRecording } from '../../src/domain/recording.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { play } from '../support/player.ts';
import { needs, the } from '../support/requirements.ts';
import { must, run } from '../support/run.ts';
import { type Lab, lab, start, window } from './lab.ts';

/** A program without a terminal that writes everything that has an event of ours. */
async function nasty(at: Lab): Promise<ChannelRecording> {
  const recording = await at.recorder.start(start({ pty: null, command: 'mixed' }));
  recording.output(Buffer.from('目录 \x1b[31mred\x1b[0m\n'));
  recording.error(Buffer.from('stderr 👍🏽\n'));
  recording.output(Buffer.from([0xff, 0xfe, 0x00, 0x41, 0x0a]));
  recording.error(Buffer.from([0xc3]));
  recording.resize(window(50, 20));
  recording.output(Buffer.from('last\n'));
  await recording.end({ type: 'code', code: 3 });
  return recording;
}

const SHOWN = '目录 \x1b[31mred\x1b[0m\nstderr 👍🏽\n\ufffd\ufffd\0A\nlast\n\ufffd';

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream).text();
}

test('asciinema-player plays a file as it lies, comments and all', async () => {
  await using at = await lab();
  const recording = await nasty(at);
  const { events } = at.cast(recording);
  expect(new Set(events.map(({ code }) => code))).toEqual(new Set(['o', 'r', 'x']));
  const played = await play(at.bytes(recording).toString());
  expect(played).toMatchObject({ output: SHOWN, sizes: [{ cols: 50, rows: 20 }], errors: [] });
  expect(played.duration).toBeCloseTo(events.at(-1)?.at ?? 0, 5);
});

test('asciinema-player plays what the library gives for playback, and v2', async () => {
  await using at = await lab();
  const recording = await nasty(at);
  const library = openLibrary(at.root);
  for (const stream of [library.readForPlayback(recording.key), library.readV2(recording.key)]) {
    expect(await play(await textOf(stream))).toMatchObject({
      output: SHOWN.replaceAll('\n', '\r\n'),
      sizes: [{ cols: 50, rows: 20 }],
      errors: [],
    });
  }
});

test('asciinema-player takes a recording of nothing', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  await recording.end(null);
  expect(at.cast(recording).events).toMatchObject([{ code: 'o', data: '' }]);
  const shown = await textOf(openLibrary(at.root).readForPlayback(recording.key));
  for (const text of [at.bytes(recording).toString(), shown]) {
    expect(await play(text)).toMatchObject({ output: '', errors: [] });
  }
});

needs('asciinema').describe('asciinema', () => {
  /** `asciinema cat` wants a terminal: `script` gives it one. */
  async function cat(file: string) {
    return run('script', ['-qec', `'${the('asciinema')}' cat '${file}'`, '/dev/null']);
  }

  test('prints the v2 form of a recording as the player shows it', async () => {
    await using at = await lab();
    const recording = await nasty(at);
    const file = at.scratch.join('v2.cast');
    const text = await textOf(openLibrary(at.root).readV2(recording.key));

    writeFileSync(file, text);
    const { status, stdout } = await cat(file);
    expect(status).toBe(0);
    expect(stdout.toString()).toBe(SHOWN.replaceAll('\n', '\r\n'));
  });

  test('prints the file as it lies from version 3 on, and names the version before', async () => {
    const { stdout: version } = await must(the('asciinema'), ['--version']);
    const knowsV3 = Number(/(\d+)\./.exec(version.toString())?.[1]) >= 3;
    await using at = await lab();
    const recording = await nasty(at);
    const { status, stdout } = await cat(`${at.root}/${recording.key}`);
    if (knowsV3) expect(stdout.toString().replaceAll('\r', '')).toBe(SHOWN);
    else expect([status, stdout.toString()]).toEqual([1, expect.stringContaining('v2 format')]);
  });
});
