import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { connectClient } from '../../src/ssh/client.ts';
import { nativeCryptoLoaded, SSH2_VERSION } from '../../src/ssh/library.ts';
import { isOwnBuild } from '../../src/ssh/native-crypto.ts';
import { plainEnvironment } from '../support/environment.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { scratch } from '../support/scratch.ts';
import { useTemplate } from '../support/template.ts';
import { Lab, upstream } from './lab.ts';

const ROOT = resolve(import.meta.dirname, '../..');

needs('g++', 'make').describe('the compiled addon of ssh2', () => {
  test('is loaded: without it throughput falls ten times', () => {
    expect(nativeCryptoLoaded()).toBe(true);
  });

  test('is the build of our setup, whose objects may be collected at any time', () => {
    expect(isOwnBuild()).toBe(true);
  });
});

test('without the compiled addon the server says so once, with the remedy, and goes on', {
  timeout: 90_000,
}, async () => {
  using files = scratch();
  await useTemplate(files.join('data'));
  const preload = ['--require', resolve(ROOT, 'test/fixtures/no-native-crypto.cjs')];
  const child = spawn(process.execPath, [...preload, resolve(ROOT, 'src/main.ts'), 'serve'], {
    env: plainEnvironment({
      POSTERN_DATA_DIR: files.join('data'),
      POSTERN_SSH_LISTEN: '127.0.0.1:0',
      POSTERN_HTTP_LISTEN: '127.0.0.1:0',
      POSTERN_READY_FILE: files.join('ready.json'),
      POSTERN_LOG_FORMAT: 'json',
    }),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const ended = once(child, 'close');
  try {
    await eventually('it is ready', () => existsSync(files.join('ready.json')) || null, 60_000);
  } finally {
    child.kill('SIGTERM');
    await within('it ends', ended, 10_000);
  }
  const warnings = log.split('\n').filter((line) => line.includes('native crypto'));
  expect(warnings).toHaveLength(1);
  expect(JSON.parse(warnings[0] ?? '')).toMatchObject({
    level: 'warn',
    msg: expect.stringMatching(/ten times slower.*apt-get install build-essential.*npm ci/),
  });
});

test('another version of the library than the one that the guards know is refused', async () => {
  const program = `
    const { createRequire } = await import('node:module');
    createRequire(${JSON.stringify(resolve(ROOT, 'src/ssh/library.ts'))})('ssh2/package.json').version = '1.99.0';
    const { installGuards } = await import('./src/ssh/library.ts');
    try { installGuards(); } catch (error) { console.log(error.message); }
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child, 'close');
  expect(said.trim()).toBe(`The guards know ssh2 ${SSH2_VERSION}, but 1.99.0 is installed.`);
});

/** Whether Node was told TCP_NODELAY for this socket; it has no public way to ask. */
function noDelay(socket: object): unknown {
  const symbols = Object.getOwnPropertySymbols(socket);
  const mark = symbols.find(({ description }) => description === 'kSetNoDelay');
  return mark === undefined ? undefined : Reflect.get(socket, mark);
}

test('both legs have TCP_NODELAY from the first byte', async () => {
  let atAccept: unknown;
  await using lab = await Lab.start({
    onConnection: ({ connection }) => {
      atAccept = noDelay(Reflect.get(connection, '_sock'));
    },
  });
  const client = await connectClient(upstream(lab.port));
  try {
    expect(atAccept).toBe(true);
    expect(noDelay(Reflect.get(client, '_sock'))).toBe(true);
  } finally {
    client.end();
  }
});
