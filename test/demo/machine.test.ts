import { createHash, randomBytes } from 'node:crypto';
import { existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir, networkInterfaces, userInfo } from 'node:os';
import ssh2, {
  type IdentityCallback,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DemoMachine, startDemoMachine } from '../../src/demo/machine.ts';
import type { Logger } from '../../src/domain/log.ts';
import { serverAlgorithms, testCiphers } from '../../src/ssh/algorithms.ts';
import { installGuards } from '../../src/ssh/library.ts';
import { eventually, within } from '../support/eventually.ts';
import { kill, running } from '../support/processes.ts';
import { find, needs } from '../support/requirements.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { newClient, SshClient } from '../support/ssh-client.ts';

installGuards();
const algorithms = serverAlgorithms(await testCiphers());

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

const start = (dataDir: string): Promise<DemoMachine> =>
  startDemoMachine({ dataDir, log: silent, algorithms, shell: '/bin/bash' });

/** OpenSSH's client with the machine's own key. */
function clientOf(machine: DemoMachine): SshClient {
  const files = scratch();
  writeFileSync(files.join('id'), machine.privateKey, { mode: 0o600 });
  return new SshClient(files, '', () => machine);
}

let data: Scratch;
let machine: DemoMachine;
let client: SshClient;
const login = userInfo().username;

beforeAll(async () => {
  data = scratch();
  machine = await start(data.path);
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
    screen.type('echo wait; sleep 1000; echo status $?\r');
    await screen.shows(/^wait$/m);
    screen.type('\x03');
    screen.type('echo still $((40 + 2))\r');
    await screen.shows('still 42');
    screen.type('\x04');
    await screen.exited();
  });

  test('the last output of a terminal arrives, whole and in order', async () => {
    await using screen = client.terminal(login, 'seq 1 40000; exit 5');
    expect(await screen.exited()).toBe(5);
    expect(screen.raw.trim().split('\r\n')).toHaveLength(40_000);
    expect(screen.raw.endsWith('39999\r\n40000\r\n')).toBe(true);
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
  await expect(
    startDemoMachine({ dataDir: data.path, log: silent, algorithms, host: '0.0.0.0' }),
  ).rejects.toThrow('127.0.0.1 alone');
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

/** Offers one key and signs with another. */
class Impostor extends ssh2.BaseAgent {
  readonly #offered: ParsedKey;
  readonly #own: ParsedKey;

  constructor(offered: ParsedKey, own: ParsedKey) {
    super();
    this.#offered = offered;
    this.#own = own;
  }

  override getIdentities(done: IdentityCallback): void {
    done(undefined, [this.#offered]);
  }

  override sign(
    _key: unknown,
    data: Buffer,
    _options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    const signature: unknown = this.#own.sign(data);
    if (!Buffer.isBuffer(signature)) throw new Error('cannot sign');
    done?.(undefined, signature);
  }
}

function parsed(key: string): ParsedKey {
  const made = ssh2.utils.parseKey(key);
  if (made instanceof Error) throw made;
  return made;
}

async function answerTo(agent: Impostor): Promise<string> {
  const visitor = new ssh2.Client();
  const outcome = new Promise<string>((resolve) => {
    visitor.once('ready', () => resolve('let in'));
    visitor.once('error', (error) => resolve(error.message));
  });
  const { host, port } = machine;
  visitor.connect({ host, port, username: login, agent, authHandler: ['agent'] });
  try {
    return await within('an answer', outcome);
  } finally {
    visitor.end();
  }
}

test('the right key without its signature is a question, not a way in', async () => {
  const right = parsed(machine.privateKey);
  using stranger = await newClient(() => machine);
  const wrong = parsed(readFileSync(stranger.identity, 'utf8'));
  expect(await answerTo(new Impostor(right, wrong))).toContain('authentication methods failed');
  expect(await answerTo(new Impostor(right, right))).toBe('let in');
});

test('a second start has the same keys, which nobody else can read', async () => {
  using fresh = scratch();
  const first = await start(fresh.path);
  await first.close();
  const second = await start(fresh.path);
  await second.close();
  expect(second.hostKeyLine).toBe(first.hostKeyLine);
  expect(second.privateKey).toBe(first.privateKey);
  for (const name of ['machine_host_key', 'machine_client_key']) {
    expect(statSync(fresh.join('demo', name)).mode & 0o777).toBe(0o600);
  }
});

needs('ssh').describe('when it closes', () => {
  test('no process of it is left, and no client waits', async () => {
    using fresh = scratch();
    const closing = await start(fresh.path);
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
