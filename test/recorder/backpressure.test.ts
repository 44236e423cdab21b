import { expect, test } from 'vitest';
import { FRAME_HEADER, framesOf } from '../../src/handoff/frame.ts';
import { InFlight } from '../../src/handoff/in-flight.ts';
import { Tap } from '../../src/handoff/tap.ts';
import { TappedChannel } from '../../src/recorder/channel.ts';
import { FRAME } from '../../src/recorder/frame.ts';
import { within } from '../support/eventually.ts';
import { lab, start } from './lab.ts';

const KB = 1024;

/** Channels over a disk that takes nothing until it is told to. */
function stalled(perChannel: number, inAll: number, deadline = 1000) {
  const sent: [ArrayBuffer, number][] = [];
  const tap = new Tap(1_000_000, (buffer, used) => sent.push([buffer, used]));
  const inFlight = new InFlight(perChannel, inAll);
  const channels = new Map<number, TappedChannel>();
  return {
    sent,
    inFlight,
    channel(id: number): TappedChannel {
      const channel = new TappedChannel(`key-${id}`, id, tap, inFlight.lane(), {
        deadline: deadline,
        takesInput: false,
      });
      channels.set(id, channel);
      return channel;
    },
    /** The disk has taken everything that was sent. */
    take(): string {
      tap.flush();
      let text = '';
      for (const [buffer, used] of sent.splice(0)) {
        for (const frame of framesOf(buffer, used)) {
          text += Buffer.from(frame.payload).toString();
          channels.get(frame.channel)?.written(FRAME_HEADER + frame.payload.length);
        }
        tap.recycle(buffer);
      }
      inFlight.settle();
      return text;
    },
  };
}

test('a stalled disk makes the caller pause at the bound, and nothing is dropped', () => {
  const disk = stalled(256 * KB, 1024 * KB);
  const channel = disk.channel(1);
  let given = '';
  let pauses = 0;
  for (let round = 0; round < 40; round += 1) {
    const chunk = `${round}`.padEnd(8 * KB, '.');
    given += chunk;
    if (!channel.output(Buffer.from(chunk))) pauses += 1;
  }
  expect(pauses).toBe(9);
  expect(disk.inFlight.total).toBe(40 * (8 * KB + FRAME_HEADER) + FRAME_HEADER);
  expect(disk.take() === given).toBe(true);
  expect(disk.inFlight.total).toBe(0);
});

test('a caller that pauses when told keeps the memory at the bound and one chunk', () => {
  const disk = stalled(256 * KB, 1024 * KB);
  const channel = disk.channel(1);
  let most = 0;
  let drained = 0;
  for (let round = 0; round < 2000; round += 1) {
    const goOn = channel.output(Buffer.alloc(32 * KB));
    most = Math.max(most, disk.inFlight.total);
    if (goOn) continue;
    channel.onDrain(() => {
      drained += 1;
    });
    disk.take();
  }
  expect(most).toBeLessThanOrEqual(256 * KB + 33 * KB);
  expect(drained).toBeGreaterThan(100);
});

test('drain comes once, under half of the bound, and at once when there is room', () => {
  const inFlight = new InFlight(100, 1000);
  const lane = inFlight.lane();
  let calls = 0;
  const count = () => {
    calls += 1;
  };
  lane.onDrain(count);
  expect(calls).toBe(1);
  expect(lane.add(100)).toBe(true);
  expect(lane.add(1)).toBe(false);
  lane.onDrain(count);
  for (const [bytes, expected] of [
    [50, 1],
    [1, 2],
    [50, 2],
  ] as const) {
    lane.written(bytes);
    inFlight.settle();
    expect(calls).toBe(expected);
  }
});

test('the bound over all channels pauses those that are small themselves', () => {
  const disk = stalled(256 * KB, 300 * KB);
  const [one, two] = [disk.channel(1), disk.channel(2)];
  expect(one.output(Buffer.alloc(250 * KB))).toBe(true);
  expect(two.output(Buffer.alloc(60 * KB))).toBe(false);
  let goesOn = false;
  two.onDrain(() => {
    goesOn = true;
  });
  disk.take();
  expect(goesOn).toBe(true);
});

test('a failure gives the share back and lets the caller go on', () => {
  const disk = stalled(64 * KB, 1024 * KB);
  const channel = disk.channel(1);
  const order: string[] = [];
  channel.onFailure((error) => order.push(error.message));
  expect(channel.output(Buffer.alloc(100 * KB))).toBe(false);
  channel.onDrain(() => order.push('drain'));
  channel.fail(new Error('the disk is gone'));
  channel.fail(new Error('again'));
  expect(order).toEqual([expect.stringMatching(/recording broke/), 'drain']);
  expect(disk.inFlight.total).toBe(0);
  expect(channel.output(Buffer.alloc(100 * KB))).toBe(true);
  disk.take();
  expect(disk.inFlight.total).toBe(0);
});

test('an end that the disk does not answer fails at its deadline', async () => {
  const disk = stalled(64 * KB, 1024 * KB, 1);
  const channel = disk.channel(1);
  channel.output(Buffer.from('a'));
  await expect(channel.end(null)).rejects.toMatchObject({
    code: 'recording.broke',
    cause: { message: 'the recording was not on disk after 1 ms' },
  });
});

test('buffers are used again', () => {
  const seen = new Set<ArrayBuffer>();
  const sent: ArrayBuffer[] = [];
  const tap = new Tap(1_000_000, (buffer) => sent.push(buffer));
  for (let round = 0; round < 1000; round += 1) {
    tap.put(1, FRAME.output, 0, Buffer.alloc(100 * KB));
    for (const buffer of sent.splice(0)) {
      seen.add(buffer);
      tap.recycle(buffer);
    }
  }
  expect(seen.size).toBeLessThanOrEqual(2);
});

test('the real recorder answers false beyond the bound and drains when the disk has it', async () => {
  await using at = await lab({ maxInFlight: 64 * KB });
  const recording = await at.recorder.start(start());
  const chunk = Buffer.alloc(20 * KB, 'a');
  expect([1, 2, 3, 4, 5].map(() => recording.output(chunk))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  const { promise, resolve } = Promise.withResolvers<void>();
  recording.onDrain(resolve);
  await within('the drain', promise);
  expect(recording.output(chunk)).toBe(true);
  const receipt = await recording.end({ type: 'code', code: 0 });
  expect(receipt.recordedBytes).toBe(6 * chunk.length);
});
