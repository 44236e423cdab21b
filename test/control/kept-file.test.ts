import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { adminTokenFile, ensureAdminToken } from '../../src/control/admin-token.ts';
import { keptFile } from '../../src/control/kept-file.ts';
import { hashBearer } from '../../src/domain/bearer.ts';
import { testStore } from '../support/database.ts';
import { scratch } from '../support/scratch.ts';

test('a kept file is made once, for its owner alone, and found again', () => {
  using files = scratch();
  const path = files.join('secret');
  expect(keptFile(path, () => 'first')).toBe('first');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(keptFile(path, () => 'second')).toBe('first');
  expect(readdirSync(files.path)).toEqual(['secret']);
});

test('the mode does not depend on the umask', () => {
  using files = scratch();
  const before = process.umask(0o277);
  try {
    keptFile(files.join('secret'), () => 'x');
  } finally {
    process.umask(before);
  }
  expect(statSync(files.join('secret')).mode & 0o777).toBe(0o600);
});

test.each([0o644, 0o640, 0o604, 0o660])(
  'one that others may read (%o) is refused by name',
  (mode) => {
    using files = scratch();
    const path = files.join('secret');
    writeFileSync(path, 'x');
    chmodSync(path, mode);
    expect(() => keptFile(path, () => 'y')).toThrow(`${path} can be read by others`);
    expect(readFileSync(path, 'utf8')).toBe('x');
  },
);

test('of two that make it at once both get the same', () => {
  using files = scratch();
  const path = files.join('secret');
  const made = keptFile(path, () => {
    writeFileSync(path, 'from the other', { mode: 0o600 });
    return 'mine';
  });
  expect(made).toBe('from the other');
  expect(readdirSync(files.path)).toEqual(['secret']);
});

test('what cannot be made leaves nothing behind', () => {
  using files = scratch();
  expect(() =>
    keptFile(files.join('secret'), () => {
      throw new Error('no randomness');
    }),
  ).toThrow('no randomness');
  expect(readdirSync(files.path)).toEqual([]);
  expect(() => keptFile(files.join('nowhere', 'secret'), () => 'x')).toThrow(/ENOENT/);
});

test('the admin token: made at the first start, the same at the second, one at a time', async () => {
  await using at = await testStore('embedded');
  using files = scratch();
  const { tokens } = at.store;
  const find = async (text: string) => tokens.getByHash(await hashBearer(text), new Date());
  await ensureAdminToken(at.store, 'node-a', files.path, null);
  const text = readFileSync(adminTokenFile(files.path), 'utf8').trim();
  const first = await find(text);
  expect(first).toMatchObject({ kind: 'bootstrap', scopes: ['admin'], userId: null });
  await ensureAdminToken(at.store, 'node-a', files.path, null);
  expect((await find(text))?.id).toBe(first?.id);

  await ensureAdminToken(at.store, 'node-a', files.path, 'configured-token-of-the-admin');
  expect(await find(text)).toBeNull();
  expect(await find('configured-token-of-the-admin')).toMatchObject({ kind: 'bootstrap' });

  await ensureAdminToken(at.store, 'node-a', files.path, null);
  expect(await find('configured-token-of-the-admin')).toBeNull();
  expect(await find(text)).not.toBeNull();

  // Another node has one of its own, or the same.
  using others = scratch();
  await ensureAdminToken(at.store, 'node-b', others.path, null);
  expect(await find(text)).not.toBeNull();
  expect(await find(readFileSync(adminTokenFile(others.path), 'utf8').trim())).not.toBeNull();

  // Each that was made is in the audit, without what it is known by.
  const { rows } = await at.store.audit.list({ type: 'token.created' }, { limit: 10 });
  expect(rows).toHaveLength(4);
  expect(rows.at(-1)).toMatchObject({ actor: null, detail: { name: 'admin-token of node-a' } });
  expect(JSON.stringify(rows)).not.toMatch(new RegExp(`hash|${text}|configured`));
});

test('a configured admin token is written to no file', async () => {
  await using at = await testStore('embedded');
  using files = scratch();
  await ensureAdminToken(at.store, 'node-a', files.path, 'configured-token-of-the-admin');
  expect(existsSync(adminTokenFile(files.path))).toBe(false);
});
