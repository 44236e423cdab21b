import { expect, test } from 'vitest';
import { AlisStream, MAGIC } from '../../src/live/alis.ts';
import { packed, unpacked } from '../../src/live/messages.ts';
import { readAlis } from '../support/alis.ts';

test('a stream begins with its magic', () => {
  expect(readAlis(MAGIC)).toBeNull();
});

test('an independent reader finds in each frame what went in, and the times since the one before', () => {
  const stream = new AlisStream(1_000_000);
  const text = 'x\u001b[31m漢字 🚪\u0000';
  const frames = [
    stream.reset({ cols: 300, rows: 24, text: 'y'.repeat(200) }),
    stream.output(1_000_127, text),
    stream.output(1_000_255, ''),
    stream.resize(5_000_000_000_000, 65_535, 1),
    stream.marker(5_000_000_000_000, 'here'),
    stream.exit(5_000_000_000_001, 255),
    stream.reset({ cols: 1, rows: 1, text: '' }),
    stream.note('so'),
    stream.end(),
  ];
  expect(frames.map(readAlis)).toEqual([
    { type: 'reset', id: 0, micros: 1_000_000, cols: 300, rows: 24, text: 'y'.repeat(200) },
    { type: 'output', id: 1, since: 127, text },
    { type: 'output', id: 2, since: 128, text: '' },
    { type: 'resize', id: 3, since: 4_999_998_999_745, cols: 65_535, rows: 1 },
    { type: 'marker', id: 4, since: 0, text: 'here' },
    { type: 'exit', id: 5, since: 1, status: 255 },
    { type: 'reset', id: 5, micros: 5_000_000_000_001, cols: 1, rows: 1, text: '' },
    { type: 'marker', id: 5, since: 0, text: 'so' },
    { type: 'end', id: 6, since: 0 },
  ]);
});

test('lengths are LEB128 at each number of bytes', () => {
  for (const length of [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152]) {
    const frame = new AlisStream(0).output(length, 'a'.repeat(length));
    const text = 'a'.repeat(length);
    expect(readAlis(frame)).toEqual({ type: 'output', id: 1, since: length, text });
  }
});

test('time never runs backwards, and a lone surrogate does no harm', () => {
  const stream = new AlisStream(10);
  expect(readAlis(stream.output(5, 'a\ud800'))).toMatchObject({ since: 0, text: 'a\ufffd' });
  expect(readAlis(stream.output(11, ''))).toMatchObject({ since: 1 });
});

test('frames stay apart in one buffer', () => {
  const frames = [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)];
  expect([...unpacked(packed(frames))]).toEqual(frames);
});
