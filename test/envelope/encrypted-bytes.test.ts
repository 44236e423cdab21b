import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newDataKey } from '../../src/envelope/data-key.ts';
import { EncryptedBytes } from '../../src/envelope/encrypted-bytes.ts';
import { LONGEST_TEXT, OVERHEAD, RecordSealer } from '../../src/envelope/record.ts';
import { envelopeOf, inMemory, opened } from './lab.ts';

const KEY = newDataKey();
const ENVELOPE = envelopeOf();

const text = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const writes = fc.array(text, { minLength: 1, maxLength: 12 });
const somewhere = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** A file to which each text was written at its time. */
function fileOf(texts: readonly Buffer[], envelope = ENVELOPE, key = KEY): Buffer {
  const sealer = new RecordSealer(key, envelope);
  return Buffer.concat([envelope.line, ...texts.map((one) => sealer.seal(one))]);
}

/** The records of a file, each by itself. */
function recordsOf(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = file.indexOf('\n') + 1; at < file.length; ) {
    const end = at + file.readUInt32BE(at) + OVERHEAD;
    records.push(file.subarray(at, end));
    at = end;
  }
  return records;
}

test('any bytes, written in any pieces, are read back at any place', async () => {
  await fc.assert(
    fc.asyncProperty(writes, somewhere, somewhere, async (texts, where, howFar) => {
      const all = Buffer.concat(texts);
      const file = fileOf(texts);
      const bytes = new EncryptedBytes(inMemory(file), ENVELOPE, KEY);
      const from = Math.floor(where * all.length);
      const length = Math.floor(howFar * (all.length - from)) + 1;
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await bytes.read(buffer, 0, length, from);
      expect(buffer.subarray(0, bytesRead)).toEqual(all.subarray(from, from + length));
      expect(await bytes.size()).toBe(all.length);
      expect(await opened(file, KEY)).toEqual({ text: all, rest: 0, torn: true });
    }),
    { numRuns: 300 },
  );
});

test('what is long is many records, which end with lines where there are any', async () => {
  const lines = Buffer.from('a line of text\n'.repeat(60_000));
  const noLine = Buffer.alloc(LONGEST_TEXT * 2 + 7, 'x');
  const file = fileOf([lines, noLine]);
  const ends: number[] = [];
  for (const record of recordsOf(file)) ends.push((ends.at(-1) ?? 0) + record.readUInt32BE());
  const inLines = ends.filter((end) => end <= lines.length);
  expect(inLines.length).toBeGreaterThan(3);
  expect(inLines.every((end) => lines[end - 1] === 0x0a)).toBe(true);
  const bytes = new EncryptedBytes(inMemory(file), ENVELOPE, KEY);
  const all = Buffer.concat([lines, noLine]);
  // Back and forth, across the ends of records.
  for (const at of [all.length - 10, 5, LONGEST_TEXT - 3, 0, lines.length - 2, LONGEST_TEXT * 2]) {
    const buffer = Buffer.alloc(64);
    const { bytesRead } = await bytes.read(buffer, 0, 64, at);
    expect(buffer.subarray(0, bytesRead)).toEqual(all.subarray(at, at + 64));
  }
});

test('a file that grows is read as far as it has grown', async () => {
  const sealer = new RecordSealer(KEY, ENVELOPE);
  let file = ENVELOPE.line;
  const growing = {
    size: () => Promise.resolve(file.length),
    read: (...asked: Parameters<EncryptedBytes['read']>) => inMemory(file).read(...asked),
    close: () => Promise.resolve(),
  };
  const bytes = new EncryptedBytes(growing, ENVELOPE, KEY);
  const buffer = Buffer.alloc(100);
  expect(await bytes.size()).toBe(0);
  expect(await bytes.read(buffer, 0, 100, 0)).toEqual({ bytesRead: 0 });
  for (let n = 1; n <= 5; n += 1) {
    const record = sealer.seal(Buffer.from('0123456789'));
    file = Buffer.concat([file, record.subarray(0, 20)]);
    expect(await bytes.size()).toBe((n - 1) * 10);
    file = Buffer.concat([file, record.subarray(20)]);
    expect(await bytes.size()).toBe(n * 10);
    expect(await bytes.read(buffer, 0, 100, (n - 1) * 10 + 3)).toEqual({ bytesRead: 7 });
  }
});

test('a file cut anywhere is the beginning of what it was', async () => {
  await fc.assert(
    fc.asyncProperty(writes, somewhere, async (texts, where) => {
      const all = Buffer.concat(texts);
      const file = fileOf(texts);
      const cut = ENVELOPE.line.length + Math.floor(where * (file.length - ENVELOPE.line.length));
      const found = await opened(file.subarray(0, cut), KEY);
      expect(found?.torn).toBe(true);
      const whole = found?.text ?? Buffer.from('?');
      expect(all.subarray(0, whole.length)).toEqual(whole);
      expect(whole.length).toBeLessThan(all.length);
    }),
    { numRuns: 200 },
  );
});

test('a single byte that is changed is found, wherever it is', async () => {
  await fc.assert(
    fc.asyncProperty(
      writes,
      somewhere,
      fc.integer({ min: 1, max: 255 }),
      async (texts, where, difference) => {
        const file = fileOf(texts);
        const at = Math.floor(where * file.length);
        file[at] = (file[at] ?? 0) ^ difference;
        const found = await opened(file, KEY);
        // A damaged first line is no envelope any more, or one to which no record belongs.
        if (found !== null) expect(found.rest).toBeGreaterThan(0);
      },
    ),
    { numRuns: 500 },
  );
});

test('records open at their own place alone', async () => {
  const texts = ['first', 'other', 'third'].map((one) => Buffer.from(one));
  const [first, second, third] = recordsOf(fileOf(texts));
  const [foreign] = recordsOf(fileOf([Buffer.from('alien')], envelopeOf(13)));
  if (!first || !second || !third || !foreign) throw new Error('records are missing');
  const read = async (...records: Buffer[]) => {
    const found = await opened(Buffer.concat([ENVELOPE.line, ...records]), KEY);
    return [found?.text.toString(), found?.rest === 0, found?.torn];
  };
  expect(await read(first, second, third)).toEqual(['firstotherthird', true, true]);
  expect(await read(second, first, third)).toEqual(['', false, false]);
  expect(await read(first, third)).toEqual(['first', false, false]);
  expect(await read(first, first)).toEqual(['first', false, false]);
  // Of another recording, even under the same key.
  expect(await read(foreign)).toEqual(['', false, false]);
  expect(await read(first, second, third, Buffer.alloc(4096))).toEqual([
    'firstotherthird',
    false,
    false,
  ]);
});

test('who goes on after a cut uses no nonce again, and an old tail does not fit behind', async () => {
  const texts = ['one', 'two', 'three', 'four'].map((one) => Buffer.from(one));
  const records = recordsOf(fileOf(texts));
  const [first, second, ...tail] = records;
  if (!first || !second) throw new Error('records are missing');
  const kept = new EncryptedBytes(
    inMemory(Buffer.concat([ENVELOPE.line, first, second])),
    ENVELOPE,
    KEY,
  );
  const link = await kept.linkOf(await kept.spotOf(await kept.size()));
  expect(link.number).toBe(2);
  const repaired = new RecordSealer(KEY, ENVELOPE, link).seal(Buffer.from('mended'));
  const file = Buffer.concat([ENVELOPE.line, first, second, repaired]);
  expect((await opened(file, KEY))?.text.toString()).toBe('onetwomended');
  const nonces = [...records, repaired].map((one) => one.toString('hex', 4, 16));
  expect(new Set(nonces).size).toBe(nonces.length);
  // The record that had its number, and those after it.
  const replayed = await opened(Buffer.concat([file, ...tail.slice(1)]), KEY);
  expect(replayed).toMatchObject({ torn: false });
  expect(replayed?.text.toString()).toBe('onetwomended');
});
