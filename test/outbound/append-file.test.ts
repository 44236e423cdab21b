import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { appendLines } from '../../src/outbound/append-file.ts';
import { scratch } from '../support/scratch.ts';

test('lines are put behind those that are there', async () => {
  using dir = scratch();
  const file = dir.join('seals');
  await appendLines(file, ['one', 'two']);
  await appendLines(file, ['three']);
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\nthree\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('half a line is closed, and nothing of it taken away', async () => {
  using dir = scratch();
  const file = dir.join('seals');
  writeFileSync(file, 'one\nhal');
  await appendLines(file, ['two']);
  expect(readFileSync(file, 'utf8')).toBe('one\nhal\ntwo\n');
});

test('what cannot be written is said', async () => {
  using dir = scratch();
  mkdirSync(dir.join('directory'));
  await expect(appendLines(dir.join('directory'), ['one'])).rejects.toThrow('EISDIR');
  await expect(appendLines(dir.join('missing', 'seals'), ['one'])).rejects.toThrow('ENOENT');
});
