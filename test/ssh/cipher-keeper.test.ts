import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { Keeper } from '../../src/ssh/cipher-keeper.ts';
import { nativeAddon, within } from './raw-peer.ts';

const PROGRAM = `
  const { installGuards } = await import('./src/ssh/library.ts');
  const { library } = await import('./src/ssh/internals.ts');
  installGuards();
  const { CIPHER_INFO, createCipher } = library().crypto;
  const cipherInfo = CIPHER_INFO['aes128-gcm@openssh.com'];
  const onWrite = () => undefined;
  const make = () => createCipher({
    outbound: { onWrite, cipherInfo, cipherKey: Buffer.alloc(16), cipherIV: Buffer.alloc(12), seqno: 0 },
  });
  let turns = 0;
  let garbage = [];
  const timer = setInterval(() => {
    for (let n = 0; n < 2000; n++) make().free();
    garbage.push(Buffer.alloc(1_000_000));
    if (garbage.length > 20) garbage = [];
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
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
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

test('what is held is let go in batches, but for what is still in use', async () => {
  const keeper = new Keeper(1_000);
  const used = { cipher: 'in use' };
  const freed: unknown[] = [];
  const registry = new FinalizationRegistry((held) => freed.push(held));
  keeper.hold(used);
  for (let n = 1; n < 1_000; n++) {
    const cipher = { n };
    registry.register(cipher, n);
    keeper.hold(cipher);
  }
  expect(keeper.size).toBe(1_000);
  const swept = new Promise<void>((resolve) => {
    const look = () => (keeper.size < 100 ? resolve() : setImmediate(look));
    look();
  });
  await within(swept, 'a collection');
  await within(
    new Promise<void>((resolve) => {
      const look = () => (freed.length > 900 ? resolve() : setImmediate(look));
      look();
    }),
    'the end of what was held',
  );
  expect(keeper.size).toBeGreaterThan(0);
  expect(used.cipher).toBe('in use');
});
