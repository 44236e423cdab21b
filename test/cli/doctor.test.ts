import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { startObjectStore } from '../support/object-store.ts';
import { needs } from '../support/requirements.ts';
import { scratch } from '../support/scratch.ts';
import { command } from './capture.ts';

interface Found {
  readonly about: string;
  readonly state: string;
  readonly found: string;
  readonly remedy: string | null;
}

const LOOPBACK = {
  POSTERN_SSH_LISTEN: '127.0.0.1:0',
  POSTERN_HTTP_LISTEN: '127.0.0.1:0',
} as const;

async function doctor(env: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = await command(['doctor', '--json'], { ...LOOPBACK, ...env });
  const found: readonly Found[] = JSON.parse(stdout);
  return { status, stderr, of: (about: string) => found.filter((one) => one.about === about) };
}

test('where nothing is set up yet nothing is wrong, and nothing is made', async () => {
  using dir = scratch();
  const place = dir.join('data');
  const { status, of } = await doctor({ POSTERN_DATA_DIR: place });
  expect(status).toBe(0);
  expect(of('server')).toMatchObject([{ state: 'warn', remedy: 'start it: postern serve' }]);
  expect(of('files')).toMatchObject([
    { state: 'ok', found: expect.stringContaining('first start') },
  ]);
  expect(of('database')).toMatchObject([
    { state: 'ok', found: expect.stringMatching(/^embedded/) },
  ]);
  expect(of('disk')).toMatchObject([{ found: expect.stringContaining(dir.path) }]);
  expect(() => mkdirSync(place)).not.toThrow();
});

test('files that others may read are named, with the command that mends it', async () => {
  using dir = scratch();
  const key = dir.join('bastion_key');
  writeFileSync(key, 'secret');
  chmodSync(key, 0o640);
  writeFileSync(dir.join('recording_seal_key.pub'), 'public', { mode: 0o644 });
  const { status, stderr, of } = await doctor({ POSTERN_DATA_DIR: dir.path });
  expect([status, stderr]).toEqual([1, 'postern: one thing is wrong\n']);
  expect(of('files')).toMatchObject([{ state: 'fail', remedy: `chmod go= ${key}` }]);
});

test('a data directory that cannot be looked into is all there is to say of it', async () => {
  using dir = scratch();
  const file = dir.join('a-file');
  // No account may search in what is no directory, not even root.
  writeFileSync(file, '', { mode: 0o600 });
  const { status, of } = await doctor({ POSTERN_DATA_DIR: file });
  expect(status).toBe(1);
  expect(of('files')).toMatchObject([{ state: 'fail', found: expect.stringContaining(file) }]);
  expect(of('database')).toEqual([]);
});

test('an address that is taken is named, with its setting', async () => {
  using dir = scratch();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const { status, of } = await doctor({
    POSTERN_DATA_DIR: dir.path,
    POSTERN_HTTP_LISTEN: `127.0.0.1:${port}`,
  });
  server.close();
  expect(status).toBe(1);
  expect(of('ports')).toMatchObject([
    { state: 'ok' },
    {
      state: 'fail',
      found: expect.stringContaining(`:${port}`),
      remedy: 'set POSTERN_HTTP_LISTEN',
    },
  ]);
});

test('a database that is away is wrong, and its password is not shown', async () => {
  using dir = scratch();
  const { status, of } = await doctor({
    POSTERN_DATA_DIR: dir.path,
    DATABASE_URL: 'postgres://postern:hidden-words@127.0.0.1:1/postern',
    REDIS_URL: 'redis://:hidden-words@127.0.0.1:1',
  });
  expect(status).toBe(1);
  expect(of('database')).toMatchObject([{ state: 'fail' }]);
  expect(of('counters')).toMatchObject([{ state: 'warn' }]);
  expect(JSON.stringify([of('database'), of('counters')])).not.toContain('hidden-words');
});

test('settings that are wrong are all there is to say', async () => {
  const { status, stdout } = await command(['doctor'], { POSTERN_SSH_LISTEN: 'nowhere' });
  expect(status).toBe(1);
  expect(stdout).toMatch(/^fail {2}settings {2}POSTERN_SSH_LISTEN: .*\n {16}correct it/);
});

needs('swift').describe('with a bucket', () => {
  test('it is looked into, with the keys that are given', async () => {
    using dir = scratch();
    await using objects = await startObjectStore();
    const env = { POSTERN_DATA_DIR: dir.path, ...objects.settings('of/this') };
    expect((await doctor(env)).of('bucket')).toMatchObject([{ state: 'ok' }]);
    const wrong = await doctor({ ...env, AWS_SECRET_ACCESS_KEY: 'another' });
    expect(wrong.status).toBe(1);
    expect(wrong.of('bucket')).toMatchObject([
      { state: 'fail', found: expect.stringContaining('403 SignatureDoesNotMatch') },
    ]);
    expect(JSON.stringify(wrong.of('bucket'))).not.toContain('another');
  }, 60_000);
});
