import { readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { ChannelRecording } from '../../src/domain/recording.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { needs, the } from '../support/requirements.ts';
import { must, run } from '../support/run.ts';
import { type Lab, lab, start, window } from './lab.ts';

/** What of asciinema-player's core this test uses; it is not among the package's exports. */
interface PlayerCore {
  addEventListener(name: string, listener: (event: unknown) => void): void;
  terminalReady(): void;
  init(): Promise<void>;
  seek(where: string): Promise<unknown>;
  stop(): Promise<void>;
  getDuration(): number;
}

type PlayerCoreClass = new (
  source: { data: () => Response },
  options: Readonly<Record<string, unknown>>,
) => PlayerCore;

async function playerCore(): Promise<PlayerCoreClass> {
  const index = import.meta.resolve('asciinema-player');
  const name = readdirSync(fileURLToPath(new URL('.', index))).find((file) =>
    /^core-\w+\.js$/.test(file),
  );
  const module: { C: PlayerCoreClass } = await import(new URL(name ?? 'none', index).href);
  return module.C;
}

/** Everything that the real player would draw, seeking to the end, without a browser. */
async function play(text: string) {
  const Core = await playerCore();
  const quiet = () => undefined;
  const logger = { debug: quiet, info: quiet, log: quiet, warn: quiet, error: quiet };
  const core = new Core({ data: () => new Response(text) }, { preload: true, logger, speed: 1 });
  let output = '';
  const sizes: unknown[] = [];
  const errors: unknown[] = [];
  core.addEventListener('output', (data) => {
    output += Array.isArray(data) ? data.join('') : String(data);
  });
  core.addEventListener('resize', (size) => sizes.push(size));
  core.addEventListener('error', (error) => errors.push(error));
  core.terminalReady();
  await core.init();
  await core.seek('100%');
  const duration = core.getDuration();
  await core.stop();
  return { output, sizes, errors, duration };
}

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

test('asciinema-player takes a recording without a single event', async () => {
  await using at = await lab();
  const recording = await at.recorder.start(start());
  await recording.end(null);
  const played = await play(await textOf(openLibrary(at.root).readForPlayback(recording.key)));
  expect(played).toMatchObject({ output: '', errors: [], duration: 0 });
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
