/**
 * What the gateway costs a user, against the same machine reached directly, in pairs that alternate
 * in one run, so that the computer's other load falls on both: `ssh host true`, bulk both ways with
 * the recorder on and off, memory. Real ssh, real sshd, the product as a process of its own.
 *
 *   sh scripts/node.sh bench/gateway.ts [MEGABYTES] [ROUNDS]
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, stdout } from 'node:process';
import { type Scratch, scratch } from '../test/support/scratch.ts';
import { newClient, type SshClient } from '../test/support/ssh-client.ts';
import { startSshd, type TestSshd } from '../test/support/sshd.ts';
import { applySetup, median, type Product, startProduct, stopProduct } from './product.ts';

const MEGABYTES = Number(argv[2] ?? 256);
const ROUNDS = Number(argv[3] ?? 5);
const SESSIONS = 50;

function row(name: string, ...cells: readonly string[]): void {
  stdout.write(`${name.padEnd(34)}${cells.map((cell) => cell.padStart(14)).join('')}\n`);
}

async function apply(files: Scratch, user: SshClient, sshd: TestSshd): Promise<void> {
  const machine = (name: string, recording: string) =>
    `  - { name: ${name}, kind: ssh, host: ${sshd.host}, port: ${sshd.port}, login: ${sshd.login}, ` +
    `auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }, recording: ${recording} }\n`;
  const grant = (name: string) =>
    `  - { to: { user: bench }, on: { machine: ${name} }, allow: [shell, exec, sftp] }\n`;
  await applySetup(
    files,
    `users:\n  - { name: bench, role: member, keys: [${JSON.stringify(user.publicKey)}] }\n` +
      `machines:\n${machine('on', 'required')}${machine('off', 'off')}` +
      `grants:\n${grant('on')}${grant('off')}`,
  );
}

/** Resident bytes and CPU seconds of a process and its children (Linux). */
function usage(pid: number): { megabytes: number; cpu: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const own = {
    megabytes: (Number(stat[21]) * 4096) / 1e6,
    cpu: (Number(stat[11]) + Number(stat[12])) / 100,
  };
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(join(`/proc/${pid}/task`, task, 'children'), 'utf8')
      .split(' ')
      .filter(Boolean),
  );
  return children
    .map((child) => usage(Number(child)))
    .reduce(
      (sum, more) => ({ megabytes: sum.megabytes + more.megabytes, cpu: sum.cpu + more.cpu }),
      own,
    );
}

interface Way {
  readonly name: string;
  readonly run: (command: string, input: number) => Promise<number>;
}

/** Seconds of one `ssh`, reading its output to the end, with `input` zero-free bytes on stdin. */
function timed(client: SshClient, user: string, command: string, input: number): Promise<number> {
  const began = performance.now();
  const gcm = ['-o', 'Ciphers=aes128-gcm@openssh.com'];
  const child = spawn('ssh', client.args(user, ['--', command], gcm), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const chunk = Buffer.alloc(1 << 20, 'The quick brown fox jumps over the lazy dog.\n');
  let left = input;
  const feed = (): void => {
    while (left > 0) {
      left -= chunk.length;
      if (!child.stdin.write(chunk)) {
        child.stdin.once('drain', feed);
        return;
      }
    }
    child.stdin.end();
  };
  feed();
  child.stdout.resume();
  return new Promise((done, fail) => {
    child.once('close', (code) => {
      if (code === 0) done((performance.now() - began) / 1000);
      else fail(new Error(`ssh ${user} ${command} ended with ${String(code)}`));
    });
  });
}

async function compare(
  title: string,
  ways: readonly Way[],
  command: string,
  input: number,
  show: (seconds: number) => string,
): Promise<void> {
  const times = ways.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [index, way] of ways.entries()) {
      const seconds = await way.run(command, input);
      if (round > 0) times[index]?.push(seconds);
    }
  }
  const [direct = []] = times;
  for (const [index, way] of ways.entries()) {
    const mine = times[index] ?? [];
    const ratio = median(mine.map((seconds, round) => (direct[round] ?? Number.NaN) / seconds));
    row(index === 0 ? title : '', way.name, show(median(mine)), `${(100 * ratio).toFixed(0)} %`);
  }
}

/** Garbage collectors give memory back when nothing happens for a while. */
const QUIET_MS = 20_000;

async function settled(name: string, product: Product): Promise<void> {
  row(`${name}, to ready`, '', `${product.readySeconds.toFixed(1)} s`);
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  const { megabytes } = usage(product.process.pid ?? 0);
  row('resident memory, idle', '', `${megabytes.toFixed(0)} MB`);
}

async function memoryUnderSessions(client: SshClient, product: Product): Promise<void> {
  const pid = product.process.pid ?? 0;
  const sessions = Array.from({ length: SESSIONS }, () =>
    spawn('ssh', client.args('bench+on', ['--', 'echo up; exec cat'], ['-tt']), {
      stdio: ['pipe', 'pipe', 'ignore'],
    }),
  );
  await Promise.all(
    sessions.map((session) => new Promise((up) => session.stdout.once('data', up))),
  );
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  row(`resident memory, ${SESSIONS} sessions`, '', `${usage(pid).megabytes.toFixed(0)} MB`);
  const ended = sessions.map((session) => new Promise((done) => session.once('close', done)));
  for (const session of sessions) session.kill('SIGTERM');
  await Promise.all(ended);
}

async function measure(files: Scratch, sshd: TestSshd, product: Product): Promise<void> {
  const client = await newClient(() => product.ssh);
  const direct = await newClient(() => sshd);
  direct.adopt(sshd.keyFile);
  await apply(files, client, sshd);
  const ways: Way[] = [
    { name: 'direct', run: (c, n) => timed(direct, sshd.login, c, n) },
    { name: 'recorded', run: (c, n) => timed(client, 'bench+on', c, n) },
    { name: 'not recorded', run: (c, n) => timed(client, 'bench+off', c, n) },
  ];
  const rate = (seconds: number) => `${(MEGABYTES / seconds).toFixed(0)} MB/s`;
  const bytes = MEGABYTES * (1 << 20);
  const text = `yes 'The quick brown fox jumps over the lazy dog.' | head -c ${bytes}`;
  await memoryUnderSessions(client, product);
  await compare('ssh host true', ways, 'true', 0, (s) => `${(s * 1000).toFixed(0)} ms`);
  await compare(`text out, ${MEGABYTES} MiB`, ways, text, 0, rate);
  await compare(`zeros out, ${MEGABYTES} MiB`, ways, `head -c ${bytes} /dev/zero`, 0, rate);
  await compare(`text in, ${MEGABYTES} MiB`, ways, 'cat >/dev/null', bytes, rate);
  client[Symbol.dispose]();
  direct[Symbol.dispose]();
}

const files = scratch();
const sshd = await startSshd();
let product = await startProduct(files);
try {
  await settled('first start', product);
  await stopProduct(product);
  product = await startProduct(files);
  await settled('second start', product);
  await measure(files, sshd, product);
} finally {
  await stopProduct(product);
  await sshd[Symbol.asyncDispose]();
  files[Symbol.dispose]();
}
