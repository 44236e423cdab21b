import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { environment } from './environment.ts';
import { find } from './requirements.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A PostgreSQL server on which tests may make databases; null: there is none. */
    pgUrl: string | null;
    redisUrl: string | null;
  }
}

/** A server of the test run's own; stopping it resolves when it is gone. */
export interface Service {
  readonly url: string;
  /** With `SIGINT` PostgreSQL writes down what it holds first; else it is gone at once. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const START_DEADLINE = 30_000;

/**
 * Vitest's global set-up: private PostgreSQL and Redis servers where their programs are installed,
 * or those that POSTERN_TEST_PG_URL and POSTERN_TEST_REDIS_URL name.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const pgUrl = environment.get('POSTERN_TEST_PG_URL') ?? null;
  const redisUrl = environment.get('POSTERN_TEST_REDIS_URL') ?? null;
  const dir = mkdtempSync(join(tmpdir(), 'postern-services-'));
  const running: Service[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((service) => service.stop()));
    rmSync(dir, { recursive: true, force: true });
  };
  const url = async (given: string | null, starting: Starter): Promise<string | null> => {
    if (given !== null) return given;
    const service = await starting(dir);
    if (service !== null) running.push(service);
    return service?.url ?? null;
  };
  try {
    project.provide('pgUrl', await url(pgUrl, startPostgres));
    project.provide('redisUrl', await url(redisUrl, startRedis));
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

type Starter = (dir: string) => Promise<Service | null>;

/** What a test does not need: nobody wants its data after a power failure. */
const UNSAFE = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

/**
 * A PostgreSQL on `dir`, which must be a directory of its own; started again on the same one it has
 * its data, and with `port` its address. `settings`: as PostgreSQL's own. Null: not installed.
 */
export async function startPostgres(
  dir: string,
  port?: number,
  settings: readonly string[] = UNSAFE,
): Promise<Service | null> {
  const server = find('postgres');
  if (server === null) return null;
  const user = becomePostgres(dir);
  const data = join(dir, 'pg');
  if (!existsSync(data)) initialize(join(dirname(server), 'initdb'), user, data);
  const chosen = port ?? (await freePort());
  return await start({
    // QUIT is what PostgreSQL calls an immediate shutdown; its children go with it.
    command: [...dyingWithUs('QUIT'), ...user.slice(1), server],
    args: [
      ...['-D', data, '-k', dir, '-p', String(chosen), '-c', 'listen_addresses=127.0.0.1'],
      ...[...settings, 'max_connections=200'].flatMap((setting) => ['-c', setting]),
    ],
    ready: 'ready to accept connections',
    cwd: dir,
    stopSignal: 'SIGQUIT',
    url: `postgres://postgres@127.0.0.1:${chosen}/postgres`,
  });
}

function initialize(initdb: string, user: readonly string[], data: string): void {
  const [program = '', ...args] = [
    ...[...user, initdb, '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'],
    ...['--locale=C.UTF-8', '--no-sync', '--no-instructions'],
  ];
  execFileSync(program, args, { cwd: dirname(data), stdio: ['ignore', 'ignore', 'pipe'] });
}

async function startRedis(dir: string): Promise<Service | null> {
  const program = find('redis-server');
  if (program === null) return null;
  const port = await freePort();
  return await start({
    command: [...dyingWithUs('KILL'), program],
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir],
      ...['--save', '', '--appendonly', 'no'],
    ],
    ready: 'Ready to accept connections',
    cwd: dir,
    stopSignal: 'SIGKILL',
    url: `redis://127.0.0.1:${port}`,
  });
}

/** PostgreSQL refuses to run as root; then it runs as its own user, who must own the directory. */
function becomePostgres(dir: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const id = (which: string): number => Number(execFileSync('id', [which, 'postgres']).toString());
  const [uid, gid] = [id('-u'), id('-g')];
  chownSync(dir, uid, gid);
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
}

/** A test run that is killed takes its servers with it. */
function dyingWithUs(signal: string): string[] {
  return ['setpriv', '--pdeathsig', signal];
}

interface Starting {
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** What it says when it is ready. */
  readonly ready: string;
  readonly cwd: string;
  readonly stopSignal: NodeJS.Signals;
  readonly url: string;
}

function start({ command, args, ready, cwd, stopSignal, url }: Starting): Promise<Service> {
  const [program = '', ...before] = command;
  const child = spawn(program, [...before, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  const stop = async (signal = stopSignal): Promise<void> => {
    child.kill(signal);
    await gone;
  };
  let said = '';
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail('did not start in time'), START_DEADLINE);
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${program}: ${why}\n${said}`));
    };
    const heard = (chunk: Buffer): void => {
      if (said.length > 100_000) return;
      said += chunk.toString();
      if (!said.includes(ready)) return;
      clearTimeout(timer);
      resolve({ url, stop });
    };
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`ended with ${code}`));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}
