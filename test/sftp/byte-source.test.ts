import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { ByteSource } from '../../src/sftp/byte-source.ts';

const sourceOf = (...chunks: readonly string[]): ByteSource =>
  new ByteSource(Readable.from(chunks.map((one) => Buffer.from(one))));

test('takes as many bytes as are asked for, wherever chunks end', async () => {
  const source = sourceOf('ab', 'cde', 'f');
  const taken = [await source.take(1), await source.take(3), await source.take(9)];
  expect(taken.map(String)).toEqual(['a', 'bcd', 'ef']);
  expect(source.ended).toBe(true);
});

test('reads fields up to an empty one, and the bytes behind them', async () => {
  const source = sourceOf('one\0t', 'wo\0\0re', 'st');
  expect((await source.fields(100))?.map(String)).toEqual(['one', 'two']);
  expect(String(await source.take(100))).toBe('rest');
});

test('reads no more fields than there may be', async () => {
  expect(await sourceOf('x'.repeat(50), 'y'.repeat(51)).fields(100)).toBeNull();
});

test('passes over what a container goes on saying, without keeping it', async () => {
  const chunk = Buffer.alloc(1 << 20);
  let given = 0;
  // More than a Buffer can hold.
  const stream = new Readable({
    read() {
      this.push(given++ < 9000 ? chunk : null);
    },
  });
  const source = new ByteSource(stream);
  await source.take(1);
  await source.pass();
  expect(given).toBe(9001);
  expect(source.ended).toBe(true);
});
