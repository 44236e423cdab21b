import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { SSH2_VERSION } from '../../src/ssh/library.ts';
import { needs } from '../support/requirements.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'patches', `ssh2-${SSH2_VERSION}`);
const patches = readdirSync(folder)
  .filter((name) => name.endsWith('.patch'))
  .sort();

/** A copy of the library's sources, without what is built. */
function copyOfLibrary() {
  const copy = mkdtempSync(join(tmpdir(), 'postern-ssh2-'));
  const from = join(root, 'node_modules/ssh2/lib');
  cpSync(from, join(copy, 'lib'), { recursive: true, filter: (path) => !path.includes('/build') });
  return { copy, [Symbol.dispose]: () => rmSync(copy, { recursive: true }) };
}

function apply(copy: string, name: string, ...options: readonly string[]) {
  const args = ['-p1', '--batch', '--forward', ...options, '-i', join(folder, name)];
  const { status, stdout } = spawnSync('patch', args, { cwd: copy, encoding: 'utf8' });
  return { name, status, stdout };
}

needs('patch').describe('the fixes of the library as patches', () => {
  test('each patch applies to the library by itself', () => {
    using library = copyOfLibrary();
    expect(patches.length).toBeGreaterThan(10);
    for (const name of patches)
      expect(apply(library.copy, name, '--dry-run')).toMatchObject({ status: 0 });
  });

  test('all patches together apply, and what they make parses', () => {
    using library = copyOfLibrary();
    for (const name of patches) expect(apply(library.copy, name)).toMatchObject({ status: 0 });
    const sources = readdirSync(join(library.copy, 'lib'), { recursive: true, encoding: 'utf8' });
    for (const source of ['client.js', 'server.js', 'Channel.js', 'keygen.js'])
      expect(sources).toContain(source);
    const scripts = ['client.js', 'server.js', 'Channel.js', 'keygen.js', 'protocol/kex.js'];
    for (const script of [...scripts, 'protocol/handlers.misc.js', 'protocol/Protocol.js']) {
      const { status, stderr } = spawnSync(process.execPath, [
        '--check',
        join(library.copy, 'lib', script),
      ]);
      expect({ script, status, stderr: String(stderr) }).toEqual({ script, status: 0, stderr: '' });
    }
  });
});
