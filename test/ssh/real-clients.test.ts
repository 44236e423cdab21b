import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AuthContext, KexAlgorithm, ServerChannel } from 'ssh2';
import { expect, test } from 'vitest';
import { testCiphers } from '../../src/ssh/algorithms.ts';
import { finishChannel, onEow } from '../../src/ssh/channel.ts';
import { needs, the } from '../support/requirements.ts';
import { Lab, type LabOptions } from './lab.ts';
import { within } from './raw-peer.ts';

const ALIVE_MS = 4_500;

const accept = (context: AuthContext) => context.accept();

function programs(channel: ServerChannel, command: string): void {
  if (command === 'yes') {
    const say = () => {
      while (channel.writable && channel.write('y\n'.repeat(8_000)));
    };
    channel.on('drain', say);
    onEow(channel, () => channel.close());
    say();
    return;
  }
  if (command === 'cat') {
    channel.on('data', (bytes: Buffer) => channel.write(bytes));
    channel.on('end', () => void finishChannel(channel, { status: 0 }));
    return;
  }
  channel.write(`out ${command}\n`);
  channel.stderr.write('err\n');
  void finishChannel(channel, { status: 7 });
}

const lab = () => Lab.start({ onAuth: accept, onExec: programs } satisfies LabOptions);

async function run(child: ChildProcess, input?: Buffer) {
  let [out, err] = ['', ''];
  child.stdout?.on('data', (bytes: Buffer) => (out += bytes.toString('latin1')));
  child.stderr?.on('data', (bytes: Buffer) => (err += bytes.toString('latin1')));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  try {
    const [code] = await within(once(child, 'close'), 'the end of the client', ALIVE_MS);
    return { code, out, err };
  } finally {
    child.kill('SIGKILL');
  }
}

const OPTIONS = [
  'StrictHostKeyChecking=no',
  'UserKnownHostsFile=/dev/null',
  'BatchMode=yes',
  'LogLevel=ERROR',
];

function openssh(port: number, command: string, ...more: readonly string[]): ChildProcess {
  const options = OPTIONS.flatMap((option) => ['-o', option]);
  const args = ['-F', '/dev/null', ...options, ...more, '-p', String(port), 'u@127.0.0.1', command];
  return spawn(the('ssh'), args);
}

needs('ssh').describe('OpenSSH', () => {
  test('output, error output and status', async () => {
    await using server = await lab();
    const result = await run(openssh(server.port, 'hello'));
    expect(result).toEqual({ code: 7, out: 'out hello\n', err: 'err\n' });
  });

  test('each cipher that the self-test passed', async () => {
    await using server = await lab();
    const { ciphers } = await testCiphers();
    const offered = ciphers.filter((cipher) => /^aes(128-gcm|256-ctr)/.test(cipher));
    for (const cipher of offered) {
      const result = await run(openssh(server.port, 'hello', '-c', cipher));
      expect(result.out).toBe('out hello\n');
    }
  });

  test('re-keys of its own while data flows', async () => {
    await using server = await lab();
    const input = Buffer.alloc(4 * 2 ** 20, 'postern ');
    const result = await run(openssh(server.port, 'cat', '-o', 'RekeyLimit=64K'), input);
    expect({ code: result.code, same: result.out === input.toString('latin1') }).toEqual({
      code: 0,
      same: true,
    });
  });

  test('yes | head ends at once, by eow', async () => {
    await using server = await lab();
    const child = openssh(server.port, 'yes');
    child.stdout?.once('data', () => child.stdout?.destroy());
    const [code] = await within(once(child, 'close'), 'the end', ALIVE_MS);
    expect(code).not.toBeNull();
  });
});

const FIRST: KexAlgorithm[] = ['curve25519-sha256', 'curve25519-sha256@libssh.org'];

needs('dbclient').describe('Dropbear', () => {
  // Dropbear sends a guess ahead: right with the one, wrong with the other.
  test.each(FIRST)('connects where %s comes first', async (first) => {
    const kex = [first, ...FIRST.filter((method) => method !== first)];
    await using server = await Lab.start({ onAuth: accept, onExec: programs, kex });
    const args = ['-y', '-y', '-p', String(server.port), 'u@127.0.0.1', 'hello'];
    const result = await run(spawn(the('dbclient'), args));
    expect(result).toMatchObject({ code: 7, out: 'out hello\n' });
  });
});

needs('plink').describe('PuTTY', () => {
  test('output and status', async () => {
    await using server = await lab();
    const key = server.connections;
    const args = [
      '-batch',
      '-ssh',
      '-P',
      String(server.port),
      '-hostkey',
      server.fingerprint,
      'u@127.0.0.1',
      'hello',
    ];
    const result = await run(spawn(the('plink'), args));
    expect(result).toMatchObject({ code: 7, out: 'out hello\n' });
    expect(key).toHaveLength(1);
  });
});
