/**
 * What `kill -9` costs: a bastion with sessions under output is killed with all its processes at a random
 * moment, and started again, many times. Each time every recording has to be repaired, to verify, and to
 * begin with exactly what its user got; every row has to say why it ended. Prints how much of what was
 * delivered is missing, and for how long it had been there. Status 1 when anything is not as it should be.
 *
 *   sh scripts/node.sh bench/crash.ts [ROUNDS] [SESSIONS]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { argv, execPath, exit, stdout } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { callApi } from '../test/support/api-call.ts';
import { checkAsciicast } from '../test/support/asciicast.ts';
import { plainEnvironment } from '../test/support/environment.ts';
import { eventually, within } from '../test/support/eventually.ts';
import { descendants, kill } from '../test/support/processes.ts';
import { type Scratch, scratch } from '../test/support/scratch.ts';
import { newClient, type SshClient } from '../test/support/ssh-client.ts';
import { startSshd, type TestSshd } from '../test/support/sshd.ts';

const ROUNDS = Number(argv[2] ?? 50);
const SESSIONS = Number(argv[3] ?? 4);
const MAIN = resolve(import.meta.dirname, '../src/main.ts');

/** What is promised, and what one sync on a loaded disk may add, in milliseconds. */
const PROMISED_MS = 100;
const SYNC_MS = 400;

/** A line every two milliseconds; the first session has a hundred of them at a time. */
function program(session: number): string {
  const lines = session === 0 ? 100 : 1;
  const print = `for (1..${lines}) { print "line ".$n++." of session ${session}\\n" }`;
  return `perl -e '$|=1; while (1) { ${print} select(undef, undef, undef, 0.002) }'`;
}

interface Ready {
  readonly ssh: { readonly host: string; readonly port: number };
  readonly http: { readonly url: string };
  readonly admin_token_file: string;
}

class Product {
  readonly #files: Scratch;
  #child: ChildProcess | null = null;
  #ready: Ready | null = null;

  constructor(files: Scratch) {
    this.#files = files;
  }

  get facts(): Ready {
    if (this.#ready === null) throw new Error('the product does not run');
    return this.#ready;
  }

  async start(): Promise<void> {
    const ready = this.#files.join('ready.json');
    rmSync(ready, { force: true });
    this.#child = spawn(execPath, [MAIN, 'serve'], {
      env: plainEnvironment({
        POSTERN_DATA_DIR: this.#files.join('data'),
        POSTERN_SSH_LISTEN: '127.0.0.1:0',
        POSTERN_HTTP_LISTEN: '127.0.0.1:0',
        POSTERN_READY_FILE: ready,
        POSTERN_LOG_LEVEL: 'error',
      }),
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await eventually('the product is ready', () => existsSync(ready), 60_000);
    this.#ready = JSON.parse(readFileSync(ready, 'utf8')) as Ready;
  }

  /** All its processes, at once; answers when that was, monotonic. */
  async kill(): Promise<number> {
    const child = this.#child;
    if (child?.pid === undefined) throw new Error('the product does not run');
    const gone = once(child, 'exit');
    const family = [child.pid, ...descendants(child.pid)];
    const at = performance.now();
    for (const pid of family) kill(pid, 'SIGKILL');
    await gone;
    return at;
  }

  async api(method: string, path: string) {
    const token = readFileSync(this.facts.admin_token_file, 'utf8').trim();
    return await callApi(`${this.facts.http.url}/v1/${path}`, { method, token });
  }
}

/** One user, who notes when each byte came. */
class Reader {
  readonly #child: ChildProcess;
  readonly #chunks: { readonly bytes: Buffer; readonly at: number }[] = [];
  readonly #ended: Promise<unknown>;

  constructor(client: SshClient, session: number) {
    this.#child = client.spawn('bench+web1', program(session), ['-tt']);
    this.#ended = once(this.#child, 'close');
    this.#child.stdout?.on('data', (bytes: Buffer) => {
      this.#chunks.push({ bytes, at: performance.now() });
    });
    this.#child.stderr?.resume();
  }

  get reads(): boolean {
    return this.#chunks.length > 0;
  }

  get delivered(): Buffer {
    return Buffer.concat(this.#chunks.map(({ bytes }) => bytes));
  }

  ended(): Promise<unknown> {
    return within('a client ends', this.#ended, 20_000);
  }

  /** When byte `offset` came. */
  when(offset: number): number {
    let end = 0;
    for (const { bytes, at } of this.#chunks) {
      end += bytes.length;
      if (offset < end) return at;
    }
    return Number.POSITIVE_INFINITY;
  }
}

interface Loss {
  readonly bytes: number;
  /** Before the kill, when the first missing byte was delivered. */
  readonly ms: number;
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly end_reason: string | null;
  readonly recordings: readonly { readonly state: string }[];
}

function dataOf<T>(body: unknown): T {
  return (body as { data: T }).data;
}

/** The session's number is in what it printed. */
function ownerOf(readers: readonly Reader[], text: Buffer): Reader | undefined {
  const session = /of session (\d+)/.exec(text.toString('utf8', 0, 200))?.[1];
  return session === undefined ? undefined : readers[Number(session)];
}

async function check(
  product: Product,
  id: string,
  readers: readonly Reader[],
  killed: number,
): Promise<Loss> {
  const row = dataOf<Row>((await product.api('GET', `sessions/${id}`)).body);
  const states = row.recordings.map(({ state }) => state).join();
  if (row.end_reason !== 'node_died' || states !== 'recovered') {
    throw new Error(`${id} ended as ${row.status}, ${row.end_reason}, recordings ${states}`);
  }
  const path = `sessions/${id}/recording`;
  const verified = await product.api('POST', `${path}/verification`);
  const { verdict } = dataOf<{ readonly verdict: string }>(verified.body);
  if (verdict !== 'recovered') throw new Error(`${id} verifies as ${verdict}`);
  const recorded = checkAsciicast((await product.api('GET', path)).text).output;
  const reader = ownerOf(readers, recorded);
  if (reader === undefined) return { bytes: 0, ms: 0 };
  const { delivered } = reader;
  const both = Math.min(recorded.length, delivered.length);
  if (!recorded.subarray(0, both).equals(delivered.subarray(0, both))) {
    throw new Error(`${id} is not what its user got`);
  }
  await product.api('DELETE', path);
  if (both === delivered.length) return { bytes: 0, ms: 0 };
  // What was on its way at the kill came after it.
  return { bytes: delivered.length - both, ms: Math.max(0, killed - reader.when(both)) };
}

async function round(product: Product, client: SshClient): Promise<readonly Loss[]> {
  const readers = Array.from({ length: SESSIONS }, (_, session) => new Reader(client, session));
  await eventually('all have output', () => readers.every(({ reads }) => reads), 60_000);
  await delay(200 + Math.random() * 1300);
  const killed = await product.kill();
  for (const reader of readers) await reader.ended();
  await product.start();
  const listed = await product.api('GET', `sessions?status=all&limit=${SESSIONS}`);
  const { sessions } = dataOf<{ readonly sessions: readonly { readonly id: string }[] }>(
    listed.body,
  );
  const losses: Loss[] = [];
  for (const { id } of sessions) losses.push(await check(product, id, readers, killed));
  const late = losses.filter(({ ms }) => ms > PROMISED_MS + SYNC_MS);
  if (late.length > 0) throw new Error(`lost what was delivered ${late[0]?.ms} ms before`);
  return losses;
}

async function apply(files: Scratch, user: SshClient, sshd: TestSshd): Promise<void> {
  const file = files.join('setup.yaml');
  writeFileSync(
    file,
    `users:\n  - { name: bench, role: member, keys: [${JSON.stringify(user.publicKey)}] }\n` +
      `machines:\n  - { name: web1, kind: ssh, host: ${sshd.host}, port: ${sshd.port}, ` +
      `login: ${sshd.login}, auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } } }\n` +
      `grants:\n  - { to: { user: bench }, on: { machine: web1 }, allow: [exec] }\n`,
  );
  const child = spawn(execPath, [MAIN, 'apply', file], {
    env: plainEnvironment({ POSTERN_DATA_DIR: files.join('data'), POSTERN_READY_FILE: '' }),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`postern apply ended with ${String(code)}`);
}

function figures(name: string, values: readonly number[]): void {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const most = sorted.at(-1) ?? 0;
  stdout.write(
    `${name.padEnd(44)}${median.toFixed(0).padStart(10)}${most.toFixed(0).padStart(10)}\n`,
  );
}

async function main(): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const files = opened.use(scratch());
  const sshd = opened.use(await startSshd());
  const product = new Product(files);
  await product.start();
  opened.defer(() => product.kill().then(() => undefined));
  const client = opened.use(await newClient(() => product.facts.ssh));
  await apply(files, client, sshd);
  const losses: Loss[] = [];
  for (let count = 1; count <= ROUNDS; count += 1) {
    losses.push(...(await round(product, client)));
    if (count % 10 === 0) stdout.write(`${count} kills, ${losses.length} recordings checked\n`);
  }
  stdout.write(`${''.padEnd(44)}${'median'.padStart(10)}${'most'.padStart(10)}\n`);
  figures(
    'lost: bytes',
    losses.map(({ bytes }) => bytes),
  );
  figures(
    'lost: delivered so long before the kill, ms',
    losses.map(({ ms }) => ms),
  );
}

main().catch((error: unknown) => {
  stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  exit(1);
});
