import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BUILTIN_RULES } from '../../src/app/redaction.ts';
import type { LiveEnd, LiveViewer } from '../../src/domain/live.ts';
import { LiveThread } from '../../src/live/live.ts';
import { type Lab, lab, start, window } from '../recorder/lab.ts';
import { type AlisFrame, readAlis } from '../support/alis.ts';
import { eventually } from '../support/eventually.ts';

/** Keeps the frames that it is sent. */
class Kept implements LiveViewer {
  readonly frames: AlisFrame[] = [];
  end: LiveEnd | 'failed' | null = null;

  send(frame: Uint8Array, sent: () => void): void {
    const read = readAlis(frame);
    if (read !== null) this.frames.push(read);
    sent();
  }

  ended(how: LiveEnd): void {
    this.end = how;
  }

  failed(): void {
    this.end = 'failed';
  }

  /** All texts, those of screens included. */
  get text(): string {
    return this.frames.map((frame) => ('text' in frame ? frame.text : '')).join('');
  }

  async shows(text: string): Promise<void> {
    await eventually(`it is sent ${text}`, () => this.text.includes(text));
  }
}

let place: Lab;
let live: LiveThread;
beforeEach(async () => {
  place = await lab();
  live = new LiveThread({ root: place.root, rules: BUILTIN_RULES }, place.log);
});
afterEach(async () => {
  await live.close();
  await place[Symbol.asyncDispose]();
});

const EXIT = { type: 'code', code: 7 } as const;

test('from the screen as it is to the end of the recording', async () => {
  const recording = await place.recorder.start(start());
  recording.output(Buffer.from('before\r\n'));
  const viewer = new Kept();
  live.watch(recording.key, viewer, false);
  await viewer.shows('before');
  recording.output(Buffer.from('after 漢'));
  await viewer.shows('after 漢');
  recording.resize(window(120, 40));
  await eventually('the size', () => viewer.frames.some(({ type }) => type === 'resize'));
  const late = new Kept();
  live.watch(recording.key, late, false);
  await late.shows('after 漢');
  expect(late.frames[0]).toMatchObject({ type: 'reset', cols: 120, rows: 40 });
  await recording.end(EXIT);
  await eventually('the end', () => viewer.end !== null && late.end !== null);
  expect([viewer.end, late.end]).toEqual(['complete', 'complete']);
  expect(late.frames.slice(-2)).toMatchObject([{ type: 'exit', status: 7 }, { type: 'end' }]);
  const times = viewer.frames.map((frame) => ('since' in frame ? frame.since : 0));
  expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
});

test('newlines of a program without a terminal are those of one', async () => {
  const recording = await place.recorder.start(start({ pty: null, command: 'make' }));
  const viewer = new Kept();
  live.watch(recording.key, viewer, false);
  await eventually('the screen', () => viewer.frames.length > 0);
  recording.output(Buffer.from('a\nb\n'));
  await viewer.shows('a\r\nb\r\n');
  await recording.end(null);
});

test('of a long recording the last part is shown, on a screen of the right size, and said to be that', async () => {
  const recording = await place.recorder.start(start());
  recording.output(Buffer.from('the beginning\r\n'));
  recording.resize(window(132, 43));
  const chunk = Buffer.from(`${'0123456789'.repeat(13)}\r\n`.repeat(200));
  for (let bytes = 0; bytes < 24 * 1024 * 1024; bytes += chunk.length) recording.output(chunk);
  recording.output(Buffer.from('the end of it'));
  await eventually(
    'all is written',
    () => place.bytes(recording).includes('the end of it'),
    30_000,
  );
  const viewer = new Kept();
  live.watch(recording.key, viewer, false);
  await viewer.shows('the end of it');
  expect(viewer.frames[0]).toMatchObject({ type: 'reset', cols: 132, rows: 43 });
  expect(viewer.frames[1]).toMatchObject({ type: 'marker' });
  expect(viewer.text).toMatch(/postern: 2\d\.\d MB before this are not shown here/);
  expect(viewer.text).not.toContain('the beginning');
  await recording.end(EXIT);
  await eventually('the end', () => viewer.end === 'complete');
});

test('a recording that nobody writes any more ends where its file does', async () => {
  const recording = await place.recorder.start(start());
  recording.output(Buffer.from('so far'));
  const viewer = new Kept();
  const view = live.watch(recording.key, viewer, false);
  await viewer.shows('so far');
  view.finish();
  await eventually('the end', () => viewer.end === 'broken');
  await recording.end(null);
});

test('who left is sent nothing, and a damaged or missing file is said to have failed', async () => {
  const recording = await place.recorder.start(start());
  const [gone, stays] = [new Kept(), new Kept()];
  const view = live.watch(recording.key, gone, false);
  live.watch(recording.key, stays, false);
  await eventually('both begin', () => gone.frames.length > 0 && stays.frames.length > 0);
  view.leave();
  view.leave();
  recording.output(Buffer.from('hello'));
  await stays.shows('hello');
  expect(gone.text).not.toContain('hello');
  appendFileSync(`${place.root}/${recording.key}`, 'not an event\n');
  await eventually('it is damaged', () => stays.end === 'failed');
  const missing = new Kept();
  live.watch('2020/01/01/sess_1-1.cast', missing, false);
  await eventually('it is missing', () => missing.end === 'failed');
});

test('viewers are bounded', async () => {
  const recording = await place.recorder.start(start());
  for (let viewers = 0; viewers < 200; viewers += 1) live.watch(recording.key, new Kept(), false);
  expect(() => live.watch(recording.key, new Kept(), false)).toThrow('too many follow sessions');
  await recording.end(null);
});

/** What of the frames came first: the screens that a viewer was shown. */
function screens(viewer: Kept): string[] {
  return viewer.frames.flatMap((frame) => (frame.type === 'reset' ? [frame.text] : []));
}

const SECRET = ['ghp', '_', 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6'].join('');

test('who may not see secrets is shown screens without them, and nothing else of what was written', async () => {
  const recording = await place.recorder.start(start());
  const [open, hidden] = [new Kept(), new Kept()];
  live.watch(recording.key, open, false);
  live.watch(recording.key, hidden, true);
  // As somebody types it.
  for (const letter of `export T=${SECRET}`) {
    recording.output(Buffer.from(letter));
  }
  recording.output(Buffer.from(' \u001b[31mred\u001b[0m 漢\r\n'));
  await hidden.shows('red');
  await open.shows('red');
  recording.output(Buffer.from(`\u001b[?1049h\u001b[5;5Htoken=${SECRET}\u001b]0;${SECRET}\u0007`));
  await hidden.shows('token=');
  recording.resize(window(120, 40));
  await recording.end(EXIT);
  await eventually('they are told', () => open.end === 'complete' && hidden.end === 'complete');
  expect(open.text).toContain(SECRET.slice(-1));
  expect(hidden.text).not.toMatch(/aB3|dE6|gH9|hI6/);
  expect(hidden.text).toContain('*'.repeat(10));
  expect(hidden.text).toContain('31mred');
  expect(hidden.frames.map(({ type }) => type)).not.toContain('output');
  expect(hidden.frames.at(-1)?.type).toBe('end');
  expect(hidden.frames.some(({ type }) => type === 'exit')).toBe(true);
  expect(hidden.frames.findLast(({ type }) => type === 'reset')).toMatchObject({
    ...{ cols: 120, rows: 40 },
    text: expect.stringContaining('\u001b[?1047h'),
  });
});

test('a screen is the last one, however much came before', async () => {
  const recording = await place.recorder.start(start());
  const hidden = new Kept();
  live.watch(recording.key, hidden, true);
  for (let n = 0; n < 2000; n += 1) recording.output(Buffer.from(`line ${n}\r\n`));
  recording.output(Buffer.from(`password: ${SECRET}\r\nthe last line`));
  await hidden.shows('the last line');
  await recording.end(EXIT);
  await eventually('it is told', () => hidden.end === 'complete');
  expect(screens(hidden).length).toBeLessThan(2000);
  expect(screens(hidden).at(-1)).toMatch(/line 1999[\s\S]*password: \*{40}[\s\S]*the last line/);
});
