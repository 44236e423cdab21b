import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadSecretKeys } from '../../src/control/secret-key.ts';
import { Secret } from '../../src/domain/secret.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'postern-secret-key-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

test('the key is made on first start for its owner alone, and found again', () => {
  const made = loadSecretKeys(null, dir).current;
  expect(made).toHaveLength(32);
  expect(statSync(join(dir, 'secret-key')).mode & 0o777).toBe(0o600);
  expect(loadSecretKeys(null, dir).current.equals(made)).toBe(true);
});

test.each(['hex', 'base64', 'base64url'] as const)(
  'a configured key may be written as %s',
  (form) => {
    const bytes = Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 37) % 256));
    expect(loadSecretKeys(new Secret(bytes.toString(form)), dir).current.equals(bytes)).toBe(true);
  },
);

test('a file that others may read is refused, with the remedy', () => {
  loadSecretKeys(null, dir);
  chmodSync(join(dir, 'secret-key'), 0o640);
  expect(() => loadSecretKeys(null, dir)).toThrow(/mode 640.*chmod 600/);
});

test('a damaged key is refused and not repeated', () => {
  const file = join(dir, 'secret-key');
  loadSecretKeys(null, dir);
  const cut = readFileSync(file, 'utf8').slice(0, 20);
  writeFileSync(file, cut);
  expect(() => loadSecretKeys(null, dir)).toThrow(`${file} does not hold 32 bytes`);
  expect(() => loadSecretKeys(new Secret('not a key'), dir)).toThrow(
    /^(?!.*not a key).*POSTERN_SECRET_KEY/,
  );
});
