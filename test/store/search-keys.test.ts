import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addSpanKeys,
  addTextKeys,
  keyOf,
  spanBefore,
  wordKeys,
} from '../../src/store/search-keys.ts';

const text = fc.string({ unit: fc.constantFrom(...'abc 1/é日🎉'), minLength: 3, maxLength: 60 });

test('a text has the keys of whatever stands in it', () => {
  fc.assert(
    fc.property(text, fc.nat(60), fc.nat(60), (whole, from, length) => {
      const keys = new Set<number>();
      addTextKeys(keys, whole);
      const { all, oneOf } = wordKeys([whole.slice(from, from + length)]);
      for (const key of all) expect(keys).toContain(key);
      for (const some of oneOf) expect(some.some((key) => keys.has(key))).toBe(true);
    }),
  );
});

test('a text has not the keys of words whose parts alone stand in it', () => {
  const keys = new Set<number>();
  addTextKeys(keys, 'the quick brown fox jumps over the lazy dog');
  for (const word of ['over the fox', 'brown dog', 'jumpsover']) {
    expect(wordKeys([word]).all.every((key) => keys.has(key))).toBe(false);
  }
});

test('a search has few keys, however long it is, and none of what is shorter than three', () => {
  const long = Array.from({ length: 8 }, (_, n) => `word${n}-${'abcdefghij'.repeat(2)}-${n * n}`);
  const { all } = wordKeys(long);
  expect(all.length).toBeGreaterThan(20);
  expect(all.length).toBeLessThanOrEqual(48);
  expect(wordKeys(['ab', 'x'])).toEqual({ all: [], oneOf: [] });
});

test('what lies in a span of time has one of its keys', () => {
  const seconds = fc.integer({ min: 0, max: 2 ** 31 });
  fc.assert(
    fc.property(seconds, fc.nat(5000), fc.nat(2 ** 28), fc.nat(2 ** 28), (at, lasts, ago, long) => {
      const [from, to] = [new Date(at * 1000), new Date((at + lasts) * 1000)];
      const keys = new Set<number>();
      addSpanKeys(keys, from, to);
      const span = spanBefore(new Date((at + ago) * 1000), long);
      const overlaps = span.from === null || to >= span.from;
      const isFound = span.keys === null || span.keys.some((key) => keys.has(key));
      expect(isFound || !overlaps).toBe(true);
    }),
  );
});

test('keys of one user are no other user’s', () => {
  const keys = [-(2 ** 31), -1, 0, 1, 2 ** 31 - 1];
  const owners = [0, 1, 2, 2 ** 30];
  const all = owners.flatMap((owner) => keys.map((key) => keyOf(owner, key)));
  expect(new Set(all).size).toBe(all.length);
});
