/**
 * What plain `ssh` into a container costs beside `docker exec` and `docker cp`, in turns of one run, so
 * that the computer's other load falls on all: from the start of the client to the end of `true` and to
 * the prompt of a shell, bulk both ways, files both ways; recorded and not. `ssh` to a plain sshd
 * tells how much of it is the client's own. Real clients, a real Docker Engine, the product as a process.
 *
 *   sh scripts/node.sh bench/containers.ts [MEGABYTES] [ROUNDS] [STARTS]
 */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { argv, stdout } from 'node:process';
import { startDocker, type TestDocker } from '../test/support/docker.ts';
import { plainEnvironment } from '../test/support/environment.ts';
import { type Scratch, scratch } from '../test/support/scratch.ts';
import { Screen } from '../test/support/screen.ts';
import { newClient, type SshClient } from '../test/support/ssh-client.ts';
import { startSshd, type TestSshd } from '../test/support/sshd.ts';
import { applySetup, median, type Product, startProduct, stopProduct } from './product.ts';

const MEGABYTES = Number(argv[2] ?? 200);
const ROUNDS = Number(argv[3] ?? 3);
const STARTS = Number(argv[4] ?? 15);
const BYTES = MEGABYTES * 1_000_000;
const LINE = 'The quick brown fox jumps over the lazy dog.';
const CIPHER = ['-o', 'Ciphers=aes128-gcm@openssh.com'];

interface Way {
  readonly name: string;
  /** To its end. */
  run(): Promise<void>;
}

interface Parts {
  readonly files: Scratch;
  readonly docker: TestDocker;
  readonly sshd: TestSshd;
  /** To the product. */
  readonly client: SshClient;
  /** Where that is. */
  readonly at: Product['ssh'];
  /** To the sshd. */
  readonly direct: SshClient;
}

/** Runs to the end, its output read, `input` (a file) on its standard input. */
function run(parts: Parts, program: string, args: readonly string[], input = ''): Promise<void> {
  const shell = ['-c', 'if [ -n "$0" ]; then exec "$@" < "$0"; else exec "$@"; fi', input];
  const child = spawn('sh', [...shell, program, ...args], {
    env: plainEnvironment({ DOCKER_HOST: parts.docker.address }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.resume();
  return new Promise((done, fail) => {
    child.once('close', (code) => {
      if (code === 0) done();
      else fail(new Error(`${program} ${args.join(' ')} ended with ${String(code)}`));
    });
  });
}

/** Until a prompt is there; what ends it is not waited for. */
async function prompt(program: string, args: readonly string[], docker: TestDocker): Promise<void> {
  const env = { DOCKER_HOST: docker.address };
  const screen = new Screen(program, args, { env });
  await screen.until('a prompt', () => /[#$] ?$/m.test(screen.text));
  screen.type('exit\r');
  void screen.exited().then(() => screen[Symbol.asyncDispose]());
}

async function compare(
  title: string,
  ways: readonly Way[],
  rounds: number,
  show: (seconds: number) => string,
): Promise<void> {
  const times = ways.map((): number[] => []);
  // The first is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, way] of ways.entries()) {
      const began = performance.now();
      await way.run();
      if (round > 0) times[index]?.push((performance.now() - began) / 1000);
    }
  }
  for (const [index, { name }] of ways.entries()) {
    const cells = [index === 0 ? title : '', name, show(median(times[index] ?? []))];
    stdout.write(`${cells.map((cell, at) => cell.padEnd(at === 0 ? 26 : 30)).join('')}\n`);
  }
}

const milliseconds = (seconds: number): string => `${(seconds * 1000).toFixed(0)} ms`;
const rate = (seconds: number): string => `${(MEGABYTES / seconds).toFixed(0)} MB/s`;

async function starts(parts: Parts): Promise<void> {
  const { client, direct, sshd, docker } = parts;
  const ssh = (one: SshClient, user: string) => run(parts, 'ssh', one.args(user, ['--', 'true']));
  await compare(
    'true, start to end',
    [
      { name: 'docker exec', run: () => run(parts, 'docker', ['exec', 'small', 'true']) },
      { name: 'ssh, plain sshd', run: () => ssh(direct, sshd.login) },
      { name: 'ssh, machine, recorded', run: () => ssh(client, 'bench+machine') },
      { name: 'ssh, container, recorded', run: () => ssh(client, 'bench+on') },
      { name: 'ssh, container, not recorded', run: () => ssh(client, 'bench+off') },
    ],
    STARTS,
    milliseconds,
  );
  const shell = (one: SshClient, user: string) =>
    prompt('ssh', one.args(user, [], ['-tt']), docker);
  await compare(
    'shell, start to prompt',
    [
      {
        name: 'docker exec -it',
        run: () => prompt('docker', ['exec', '-it', 'small', 'sh'], docker),
      },
      { name: 'ssh, plain sshd', run: () => shell(direct, sshd.login) },
      { name: 'ssh, container, recorded', run: () => shell(client, 'bench+on') },
      { name: 'ssh, container, not recorded', run: () => shell(client, 'bench+off') },
    ],
    STARTS,
    milliseconds,
  );
}

async function streams(parts: Parts, file: string): Promise<void> {
  const { client, direct, sshd } = parts;
  const plain = (command: string, input: string) =>
    run(parts, 'ssh', direct.args(sshd.login, ['--', command], CIPHER), input);
  const onHost = (command: string): string => command.replace('/tmp/text', file);
  const ssh = (user: string, command: string, input = '') =>
    run(parts, 'ssh', client.args(user, ['--', command], CIPHER), input);
  const exec = (command: string, input = '') =>
    run(parts, 'docker', ['exec', '-i', 'small', 'sh', '-c', command], input);
  for (const [title, command, input] of [
    [`text out, ${MEGABYTES} MB`, 'cat /tmp/text', ''],
    [`text in, ${MEGABYTES} MB`, 'cat > /dev/null', file],
  ] as const) {
    await compare(
      title,
      [
        { name: 'docker exec', run: () => exec(command, input) },
        { name: 'ssh, plain sshd', run: () => plain(onHost(command), input) },
        { name: 'ssh, container, recorded', run: () => ssh('bench+on', command, input) },
        { name: 'ssh, container, not recorded', run: () => ssh('bench+off', command, input) },
      ],
      ROUNDS,
      rate,
    );
  }
}

async function copies(parts: Parts, file: string): Promise<void> {
  const { client, direct, sshd, files } = parts;
  const back = files.join('back');
  const scp = (user: string, from: string, to: string, one = client) => {
    rmSync(back, { force: true });
    const { host, port } = one === client ? parts.at : sshd;
    const at = (path: string): string => (path.startsWith(':') ? `${user}@${host}${path}` : path);
    const options = [...one.options(CIPHER), '-q', '-P', String(port)];
    return run(parts, 'scp', [...options, at(from), at(to)]);
  };
  const cp = (from: string, to: string) => run(parts, 'docker', ['cp', from, to]);
  for (const [title, from, to] of [
    [`file out, ${MEGABYTES} MB`, ':/tmp/text', back],
    [`file in, ${MEGABYTES} MB`, file, ':/tmp/in'],
  ] as const) {
    const named = (path: string): string => (path.startsWith(':') ? `large${path}` : path);
    const onHost = (path: string): string => (path === ':/tmp/text' ? `:${file}` : path);
    const [here, there] = [onHost(from), to.startsWith(':') ? `:${files.join('in')}` : to];
    await compare(
      title,
      [
        { name: 'docker cp', run: () => cp(named(from), named(to)) },
        { name: 'scp, plain sshd', run: () => scp(sshd.login, here, there, direct) },
        { name: 'scp, machine, recorded', run: () => scp('bench+machine', here, there) },
        { name: "scp, image's sftp-server", run: () => scp('bench+large', from, to) },
        { name: 'scp, image has none', run: () => scp('bench+on', from, to) },
        { name: 'the same, not recorded', run: () => scp('bench+off', from, to) },
      ],
      ROUNDS,
      rate,
    );
  }
}

function setup({ docker, sshd, client }: Parts): string {
  const names = ['on', 'off', 'large', 'machine'];
  const container = (name: string, where: string, recording: string): string =>
    `  - { name: ${name}, kind: docker, engine: "${docker.address}", container: ${where}, login: root, recording: ${recording} }\n`;
  const machine =
    `  - { name: machine, kind: ssh, host: ${sshd.host}, port: ${sshd.port}, login: ${sshd.login}, ` +
    `auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }, recording: required }\n`;
  const grants = names.map(
    (name) => `  - { to: { user: bench }, on: { machine: ${name} }, allow: [shell, exec, sftp] }\n`,
  );
  const key = JSON.stringify(client.publicKey);
  return `users:\n  - { name: bench, role: member, keys: [${key}] }\nmachines:
${container('on', 'small', 'required')}${container('off', 'small', 'off')}${container('large', 'large', 'required')}${machine}grants:\n${grants.join('')}`;
}

async function measure(parts: Parts): Promise<void> {
  const { docker, files, sshd, direct } = parts;
  direct.adopt(sshd.keyFile);
  await applySetup(files, setup(parts));
  await docker.run('small', { image: 'busybox' });
  await docker.run('large', { image: 'debian' });
  const file = files.join('text');
  writeFileSync(file, Buffer.alloc(BYTES, `${LINE}\n`));
  for (const name of ['small', 'large']) await docker.cli('cp', file, `${name}:/tmp/text`);
  stdout.write(`medians of ${STARTS} starts and ${ROUNDS} transfers\n`);
  await starts(parts);
  await streams(parts, file);
  await copies(parts, file);
}

const files = scratch();
const docker = await startDocker();
const sshd = await startSshd();
const product = await startProduct(files);
const client = await newClient(() => product.ssh);
const direct = await newClient(() => sshd);
try {
  await measure({ files, docker, sshd, client, direct, at: product.ssh });
} finally {
  client[Symbol.dispose]();
  direct[Symbol.dispose]();
  await stopProduct(product);
  await sshd[Symbol.asyncDispose]();
  await docker[Symbol.asyncDispose]();
  files[Symbol.dispose]();
}
