import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { plainEnvironment } from '../test/support/environment.ts';
import { eventually } from '../test/support/eventually.ts';
import type { Scratch } from '../test/support/scratch.ts';

/** As users start it: it becomes the process of Node, with what that is given. */
const POSTERN = resolve(import.meta.dirname, '../bin/postern');

/** `postern serve`, with the embedded database, as a process of its own. */
export interface Product {
  readonly process: ChildProcess;
  readonly ssh: { readonly host: string; readonly port: number };
  readonly readySeconds: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export async function startProduct(files: Scratch): Promise<Product> {
  const ready = files.join('ready.json');
  const began = performance.now();
  const child = spawn(POSTERN, ['serve'], {
    env: plainEnvironment({
      POSTERN_DATA_DIR: files.join('data'),
      POSTERN_SSH_LISTEN: '127.0.0.1:0',
      POSTERN_HTTP_LISTEN: '127.0.0.1:0',
      POSTERN_READY_FILE: ready,
      POSTERN_LOG_LEVEL: 'error',
    }),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await eventually('the product is ready', () => (existsSync(ready) ? true : null), 60_000);
  const readySeconds = (performance.now() - began) / 1000;
  const facts = JSON.parse(readFileSync(ready, 'utf8')) as Pick<Product, 'ssh'>;
  return { process: child, ssh: facts.ssh, readySeconds };
}

export async function stopProduct(product: Product): Promise<void> {
  const ended = new Promise((done) => product.process.once('close', done));
  product.process.kill('SIGTERM');
  await ended;
}

/** `postern apply` of this file. */
export async function applySetup(files: Scratch, setup: string): Promise<void> {
  const file = files.join('setup.yaml');
  writeFileSync(file, setup);
  const child = spawn(POSTERN, ['apply', file], {
    env: plainEnvironment({ POSTERN_DATA_DIR: files.join('data') }),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`postern apply ended with ${String(code)}`);
}
