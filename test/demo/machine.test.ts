import { createHash, randomBytes } from 'node:crypto';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir, networkInterfaces, userInfo } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DemoMachine } from '../../src/demo/machine.ts';
import { eventually, within } from '../support/eventually.ts';
import { kill, running } from '../support/processes.ts';
import { find, needs } from '../support/requirements.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import { clientOf, startMachine } from './lab.ts';

let data: Scratch;
let machine: DemoMachine;
let client: SshClient;
const login = userInfo().username;

beforeAll(async () => {
  data = scratch();
  machine = await startMachine(data.path);
  client = clientOf(machine);
});

afterAll(async () => {
  client[Symbol.dispose]();
  await machine.close();
  data[Symbol.dispose]();
});

needs('ssh').describe('with OpenSSH', () => {
  test('a shell has the size, the colours and the home of a terminal, and follows resizing', async () => {
    await using screen = client.terminal(login, null, { cols: 91, rows: 27 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type('stty size; tput setaf 2; tput sgr0; printf "%s\\n" "$TERM=$PWD=$0="\r');
    await screen.shows('27 91');
    await screen.shows(`xterm-256color=${homedir()}=/bin/bash=`);
    expect(screen.raw).toContain('\x1b[32m');
    screen.resize(120, 40);
    screen.type('until stty size | grep "40 120"; do sleep 0.1; done\r');
    await screen.shows(/^40 120$/m);
    screen.type('exit 7\r');
    expect(await screen.exited()).toBe(7);
  });

  test('Ctrl-C ends what runs in the shell, and the shell goes on', async () => {
    await using screen = client.terminal(login);
    await screen.until('a prompt', () => screen.text !== '');
    screen.type("sh -c 'echo wait; exec sleep 1000'; echo status $?\r");
    await screen.shows(/^wait$/m);
    screen.type('\x03');
    screen.type('echo still $((40 + 2))\r');
    await screen.shows('still 42');
    screen.type('exit 6\r');
    expect(await screen.exited()).toBe(6);
  });

  test('the last output of a terminal arrives, whole and in order', async () => {
    const done = await client.ssh(login, 'seq 1 40000; exit 5', { more: ['-tt'] });
    expect(done.status).toBe(5);
    const lines = done.stdout.toString().split('\r\n');
    expect(lines).toEqual([...Array.from({ length: 40_000 }, (_, at) => String(at + 1)), '']);
  });

  test('a command answers with its own status, and apart from stdout with its stderr', async () => {
    const done = await client.ssh(login, 'echo out; echo err >&2; exit 42');
    expect(done).toMatchObject({ status: 42, stderr: 'err\n' });
    expect(done.stdout.toString()).toBe('out\n');
    const script = 'for i in $(seq 2000); do echo out $i; echo err $i >&2; done';
    const both = await client.ssh(login, script);
    expect(both.stdout.toString().trim().split('\n')).toHaveLength(2000);
    expect(both.stderr.trim().split('\n')).toHaveLength(2000);
  });

  test('a signal that ends a command is told as one', async () => {
    const done = await client.ssh(login, 'kill -TERM $$');
    expect(done.status).toBe(255);
    const loud = await client.ssh(login, 'kill -TERM $$', { more: ['-v', '-o', 'LogLevel=DEBUG'] });
    expect(loud.stderr).toContain('exit-signal');
  });

  test('five megabytes go through a command and back, bit by bit', async () => {
    const bytes = randomBytes(5 * 1024 * 1024);
    const done = await client.ssh(login, 'cat', { input: bytes });
    expect(done.status).toBe(0);
    expect(done.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    const file = client.path('five');
    writeFileSync(file, bytes);
    const up = await client.ssh(login, 'sha256sum', { input: openSync(file, 'r') });
    expect(up.stdout.toString()).toContain(done.sha256);
  });

  test('the end of the input is not the end of the output', async () => {
    const done = await client.ssh(login, 'cat; echo done', { input: 'text\n' });
    expect(done.stdout.toString()).toBe('text\ndone\n');
  });

  test('a command that is not read any more ends', async () => {
    const child = client.spawn(login, 'yes');
    await eventually('output', () => child.stdout?.readableLength);
    child.stdout?.destroy();
    await within('ssh ends', new Promise((resolve) => child.once('exit', resolve)));
  });

  test('only LANG and LC_ variables are taken from the client', async () => {
    const more = ['-o', 'SetEnv=LC_TEST=yes EVIL=no', '-o', 'SendEnv=LC_TEST'];
    const done = await client.ssh(login, 'echo "$LC_TEST,$EVIL,$LANG,$USER"', { more });
    expect(done.stdout.toString()).toBe(`yes,,C.UTF-8,${login}\n`);
  });

  test.each(['sleep 1000', '(trap "" HUP; sleep 1000 & echo child $!; wait)'])(
    'nothing of %s is left when the connection is cut',
    async (command) => {
      const child = client.spawn(login, `echo $$; ${command}`);
      let output = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
      const pids = await eventually('the process', () =>
        command.includes('child')
          ? /^(\d+)\nchild (\d+)\n/.exec(output)?.slice(1)
          : /^(\d+)\n/.exec(output)?.slice(1),
      );
      child.kill('SIGKILL');
      for (const pid of pids.map(Number)) {
        await eventually(`${pid} ended`, () => !running(pid));
      }
    },
  );

  test('a job of a cut shell is gone as well', async () => {
    await using screen = client.terminal(login);
    await screen.until('a prompt', () => screen.text !== '');
    screen.type('sleep 1000 & echo "pid:$!:"; fg\r');
    await screen.shows(/pid:\d+:/);
    const pid = Number(/pid:(\d+):/.exec(screen.text)?.[1]);
    kill(screen.pid, 'SIGKILL');
    await eventually('the job ended', () => !running(pid));
  });

  test('sftp works where the machine has a server for it', async () => {
    const local = client.path('local');
    writeFileSync(local, 'over sftp');
    const done = await client.sftp(login, [
      `put ${local} ${data.join('remote')}`,
      `get ${data.join('remote')} ${client.path('back')}`,
    ]);
    if (find('sftp-server') === null) {
      expect(done.status).not.toBe(0);
      return;
    }
    expect(done).toMatchObject({ status: 0 });
    expect(readFileSync(client.path('back'), 'utf8')).toBe('over sftp');
  });

  test('another key, and another login, are refused', async () => {
    using stranger = await newClient(() => machine);
    expect(await stranger.ssh(login, 'true')).toMatchObject({ status: 255 });
    const other = await client.ssh('nobody', 'true');
    expect(other.status).toBe(255);
    expect(other.stderr).toContain('Permission denied');
  });
});

test('it cannot be reached from another address than loopback', async () => {
  expect(machine.host).toBe('127.0.0.1');
  await expect(startMachine(data.path, '0.0.0.0')).rejects.toThrow('127.0.0.1 alone');
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address && !address.internal && address.family === 'IPv4');
  const socket = connect({ host: outside?.address ?? '127.0.0.2', port: machine.port });
  const answer = await within(
    'an answer',
    new Promise((resolve) => {
      socket.once('connect', () => resolve('connected'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    }),
  );
  socket.destroy();
  expect(answer).toBe('ECONNREFUSED');
});

needs('ssh').describe('when it closes', () => {
  test('no process of it is left, and no client waits', async () => {
    using fresh = scratch();
    const closing = await startMachine(fresh.path);
    using user = clientOf(closing);
    const child = user.spawn(login, 'echo $$; setsid sleep 1000 & echo $!; wait');
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const pids = await eventually('both pids', () => /^(\d+)\n(\d+)\n/.exec(output)?.slice(1));
    await Promise.all([closing.close(), closing.close()]);
    await within('ssh ends', ended);
    for (const pid of pids.map(Number)) await eventually(`${pid} ended`, () => !running(pid));
    expect(existsSync(fresh.join('demo', 'machine_host_key'))).toBe(true);
  });
});
