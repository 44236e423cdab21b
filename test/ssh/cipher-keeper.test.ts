import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { nativeAddon } from './raw-peer.ts';

const PROGRAM = `
  const { installGuards } = await import('./src/ssh/library.ts');
  const { sampleCiphers } = await import('./src/ssh/cipher-keeper.ts');
  if (process.argv[1] === 'guarded') installGuards();
  let turns = 0;
  let garbage = [];
  const timer = setInterval(() => {
    for (let n = 0; n < 2000; n++) for (const made of sampleCiphers('aes128-gcm@openssh.com')) made.free();
    garbage = garbage.length > 20 ? [] : [...garbage, Buffer.alloc(1_000_000)];
    turns += 1;
    if (turns < 200) return;
    clearInterval(timer);
    console.log('survived');
  }, 1);
`;

test.skipIf(!nativeAddon())(
  'the garbage of many connections does not abort the process',
  async () => {
    const root = resolve(import.meta.dirname, '../..');
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, 'guarded'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    await once(child, 'close');
    expect({ said: said.trim(), signal: child.signalCode }).toEqual({
      said: 'survived',
      signal: null,
    });
  },
);
