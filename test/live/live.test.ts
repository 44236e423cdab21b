import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
  live = new LiveThread(place.root, place.log);
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
  live.watch(recording.key, viewer);
  await viewer.shows('before');
  recording.output(Buffer.from('after 漢'));
  await viewer.shows('after 漢');
  recording.resize(window(120, 40));
  await eventually('the size', () => viewer.frames.some(({ type }) => type === 'resize'));
  const late = new Kept();
  live.watch(recording.key, late);
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
  live.watch(recording.key, viewer);
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
  live.watch(recording.key, viewer);
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
  const view = live.watch(recording.key, viewer);
  await viewer.shows('so far');
  view.finish();
  await eventually('the end', () => viewer.end === 'broken');
  await recording.end(null);
});

test('who left is sent nothing, and a damaged or missing file is said to have failed', async () => {
  const recording = await place.recorder.start(start());
  const [gone, stays] = [new Kept(), new Kept()];
  const view = live.watch(recording.key, gone);
  live.watch(recording.key, stays);
  await eventually('both begin', () => gone.frames.length > 0 && stays.frames.length > 0);
  view.leave();
  view.leave();
  recording.output(Buffer.from('hello'));
  await stays.shows('hello');
  expect(gone.text).not.toContain('hello');
  appendFileSync(`${place.root}/${recording.key}`, 'not an event\n');
  await eventually('it is damaged', () => stays.end === 'failed');
  const missing = new Kept();
  live.watch('2020/01/01/sess_1-1.cast', missing);
  await eventually('it is missing', () => missing.end === 'failed');
});

test('viewers are bounded', async () => {
  const recording = await place.recorder.start(start());
  for (let viewers = 0; viewers < 200; viewers += 1) live.watch(recording.key, new Kept());
  expect(() => live.watch(recording.key, new Kept())).toThrow('too many follow sessions');
  await recording.end(null);
});
