import { chmodSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readDoorFiles } from '../../src/app/door-files.ts';
import { generateHostKey, loadHostKey } from '../../src/ssh/host-key.ts';
import { scratch } from '../support/scratch.ts';

test('both files are optional; what is there is read', () => {
  using files = scratch();
  expect(readDoorFiles(files.path)).toEqual({ nextHostKeys: [], banner: undefined });
  const { privatePem } = generateHostKey();
  writeFileSync(files.join('ssh_host_ed25519_key.next'), privatePem, { mode: 0o600 });
  writeFileSync(files.join('banner'), 'Für Befugte.\n\tTab');
  const { nextHostKeys, banner } = readDoorFiles(files.path);
  expect(nextHostKeys.map(({ blob }) => blob)).toEqual([loadHostKey(privatePem).blob]);
  expect(banner).toBe('Für Befugte.\r\n\tTab\r\n');
});

test('a next host key that others can read, or that is none, is named and refused', () => {
  using files = scratch();
  const path = files.join('ssh_host_ed25519_key.next');
  writeFileSync(path, generateHostKey().privatePem, { mode: 0o644 });
  expect(() => readDoorFiles(files.path)).toThrow(/key\.next can be read by others/);
  chmodSync(path, 0o600);
  writeFileSync(path, 'no key');
  expect(() => readDoorFiles(files.path)).toThrow(/key\.next is no ed25519 private key/);
});

test('a banner that is too long, or that would steer a terminal, is named and refused', () => {
  using files = scratch();
  writeFileSync(files.join('banner'), 'x'.repeat(8193));
  expect(() => readDoorFiles(files.path)).toThrow(/banner is longer than 8192 bytes/);
  for (const bad of ['\x1b[2J', 'a\x07', 'a\rb', '\u009b', '\u202e']) {
    writeFileSync(files.join('banner'), bad);
    expect(() => readDoorFiles(files.path)).toThrow(/banner has control characters/);
  }
});
