import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { newJumpSecret } from '../../src/control/jump-keys.ts';
import { loadHostKey } from '../../src/ssh/host-key.ts';
import { testJumpKeys } from '../support/jump-keys.ts';
import { needs, the } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { scratch } from '../support/scratch.ts';

test('every machine has a key of its own, the same from the same secret', () => {
  const secret = newJumpSecret();
  const [keys, again, other] = [secret, secret, newJumpSecret()].map((text) => testJumpKeys(text));
  const lines = [1, 2, 3].map((id) => keys?.of(id).publicLine);
  expect([1, 2, 3].map((id) => again?.of(id).publicLine)).toEqual(lines);
  expect(new Set([...lines, other?.of(1).publicLine]).size).toBe(4);
});

test('the server can use every one of a thousand', () => {
  const keys = testJumpKeys();
  for (let id = 1; id <= 1000; id += 1) {
    const { privateKey, publicLine } = keys.of(id);
    expect(loadHostKey(privateKey).publicLine).toBe(publicLine);
  }
});

test('a secret that is not whole is refused', () => {
  expect(() => testJumpKeys('AAAA\n')).toThrow('32 bytes');
});

needs('ssh-keygen').describe('OpenSSH', () => {
  test('reads the key and sees the same public half', async () => {
    using files = scratch();
    const { privateKey, publicLine } = testJumpKeys().of(7);
    const file = files.join('key');
    writeFileSync(file, privateKey, { mode: 0o600 });
    const { stdout } = await must(the('ssh-keygen'), ['-y', '-f', file]);
    expect(stdout.toString().trim()).toBe(publicLine);
    expect(readFileSync(file, 'utf8')).toBe(privateKey);
  });
});
