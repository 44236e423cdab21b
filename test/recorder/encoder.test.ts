import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { CastEncoder } from '../../src/recorder/encoder.ts';
import { endPayload, FRAME, type FrameKind, resizePayload } from '../../src/recorder/frame.ts';
import { headerLine } from '../../src/recorder/header.ts';
import { Intervals, seconds } from '../../src/recorder/interval.ts';
import { Utf8Stream } from '../../src/recorder/utf8.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { pieces, randomNumbers, start } from './lab.ts';

const CJK = '目录 テスト 한국어 héllo';
const EMOJI = 'ok 👍🏽 👩‍👩‍👧 🇨🇭 \ufeff end';

type Step = readonly [FrameKind, Uint8Array];

function encode(steps: readonly Step[], cap: number | null = null) {
  const encoder = new CastEncoder(cap);
  let lines = headerLine(start());
  for (const [index, [kind, payload]] of steps.entries()) {
    encoder.add({ channel: 1, kind, micros: index * 1000, payload });
    lines += encoder.take();
  }
  return { cast: checkAsciicast(lines), encoder };
}

const end: Step = [FRAME.end, endPayload(0)];

function output(...chunks: readonly Uint8Array[]): Step[] {
  return chunks.map((chunk) => [FRAME.output, chunk]);
}

test.each([CJK, EMOJI])('a split at any byte leaves %s whole', (text) => {
  const bytes = Buffer.from(text);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const { cast } = encode([...output(bytes.subarray(0, cut), bytes.subarray(cut)), end]);
    expect(cast.text).toBe(text);
    expect(cast.exactTexts).toBe(0);
    expect(cast.output).toEqual(bytes);
  }
});

test('one byte at a time leaves characters whole', () => {
  const bytes = Buffer.from(CJK + EMOJI);
  const { cast } = encode([...output(...[...bytes].map((byte) => Buffer.from([byte]))), end]);
  expect(cast.text).toBe(CJK + EMOJI);
});

test('stdout and stderr that interleave within characters both stay whole', () => {
  const [one, two] = [Buffer.from(CJK), Buffer.from(EMOJI)];
  const steps: Step[] = [];
  for (let at = 0; at < Math.max(one.length, two.length); at += 1) {
    steps.push([FRAME.output, one.subarray(at, at + 1)], [FRAME.error, two.subarray(at, at + 1)]);
  }
  const { cast } = encode([...steps.filter(([, payload]) => payload.length > 0), end]);
  expect(cast.output.toString()).toBe(CJK);
  expect(cast.error.toString()).toBe(EMOJI);
});

test.each([
  ['a lone continuation byte', [0x41, 0x80, 0x42]],
  ['an overlong form', [0xc0, 0xaf, 0xe0, 0x80, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80, 0xf8, 0xff]],
  ['a character that another one cuts', [0xe4, 0xb8, 0x41, 0xf0, 0x9f, 0x91]],
  ['a beginning at the end', [0x41, 0xf0, 0x9f]],
])('%s is shown as U+FFFD and comes back byte for byte', (_name, list) => {
  const bytes = Buffer.from(list);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const { cast } = encode([...output(bytes.subarray(0, cut), bytes.subarray(cut)), end]);
    expect(cast.output).toEqual(bytes);
    expect(cast.text).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  }
});

test('any bytes cut anywhere come back byte for byte and show as one decoder shows them', () => {
  const random = randomNumbers(20_261_122);
  const alphabet = Buffer.from(`${CJK}${EMOJI}\u0000\u001b[31m"\\\u2028\u007f\u009b`);
  for (let round = 0; round < 400; round += 1) {
    const bytes = Buffer.from(
      Array.from({ length: random(60) }, () => {
        return random(4) === 0 ? random(256) : (alphabet[random(alphabet.length)] ?? 0);
      }),
    );
    const { cast, encoder } = encode([...output(...pieces(bytes, 7, random)), end]);
    expect(cast.output).toEqual(bytes);
    expect(cast.text).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    expect(encoder.bytes).toBe(bytes.length);
  }
});

test('the decoder never holds more than three bytes back', () => {
  const random = randomNumbers(7);
  const stream = new Utf8Stream();
  let given = 0;
  let answered = 0;
  for (let round = 0; round < 5000; round += 1) {
    const chunk = Buffer.from([0xc0 | random(64)]);
    given += 1;
    answered += stream.write(chunk).bytes.length;
    expect(given - answered).toBeLessThanOrEqual(3);
  }
});

test('a resize stands where it happened, columns first', () => {
  const steps: Step[] = [
    [FRAME.output, Buffer.from('before')],
    [FRAME.resize, resizePayload(132, 43)],
    [FRAME.output, Buffer.from('after')],
    end,
  ];
  const events = encode(steps).cast.events.map(({ code, data }) => [code, data]);
  expect(events).toEqual([
    ['o', 'before'],
    ['r', '132x43'],
    ['o', 'after'],
    ['x', '0'],
  ]);
});

test('an unknown end leaves no exit status', () => {
  const { cast } = encode([...output(Buffer.from('a')), [FRAME.end, endPayload(null)]]);
  expect(cast.exitStatus).toBeNull();
  expect(encode([[FRAME.end, endPayload(4_294_967_295)]]).cast.exitStatus).toBe(4_294_967_295);
});

test('past the cap the head is kept, the rest counted and hashed, each output by itself', () => {
  const steps: Step[] = [
    [FRAME.output, Buffer.from('0123456789')],
    [FRAME.error, Buffer.from('abc')],
    [FRAME.output, Buffer.from('X中Y')],
    [FRAME.error, Buffer.from('lost')],
    end,
  ];
  const { cast, encoder } = encode(steps, 15);
  expect(encoder.bytes).toBe(22);
  expect(cast.output).toEqual(Buffer.concat([Buffer.from('0123456789X'), Buffer.from([0xe4])]));
  expect(cast.error.toString()).toBe('abc');
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  expect(cast.events.filter(({ code }) => code === 'm').map(({ data }) => data)).toEqual([
    'postern: what comes after the first 15 bytes is counted and hashed, not kept',
    `postern: 3 bytes of output not kept, sha256 ${sha256(Buffer.from([0xb8, 0xad, 0x59]))}`,
    `postern: 4 bytes of error not kept, sha256 ${sha256(Buffer.from('lost'))}`,
  ]);
});

test('exactly as much as the cap is kept without a marker', () => {
  const { cast } = encode([...output(Buffer.from('12345'), Buffer.from('67890')), end], 10);
  expect(cast.text).toBe('1234567890');
  expect(cast.events.some(({ code }) => code === 'm')).toBe(false);
});

test('rounding does not add up: a million intervals end where the clock ended', () => {
  const intervals = new Intervals();
  const random = randomNumbers(99);
  let now = 0;
  let sum = 0;
  for (let count = 0; count < 1_000_000; count += 1) {
    now += random(5000) / 7;
    sum += Math.round(Number(intervals.next(now)) * 1_000_000);
  }
  expect(Math.abs(sum - now)).toBeLessThanOrEqual(0.5);
});

test('time that runs backwards stands still', () => {
  const intervals = new Intervals();
  expect([intervals.next(5000), intervals.next(3000), intervals.next(5500)]).toEqual([
    '0.005',
    '0.000',
    '0.0005',
  ]);
});

test.each([
  [0, '0.000'],
  [1, '0.000001'],
  [120_000, '0.120'],
  [1_000_010, '1.00001'],
  [90_061_001_002, '90061.001002'],
])('%d microseconds are %s seconds', (micros, text) => {
  expect(seconds(micros)).toBe(text);
});
