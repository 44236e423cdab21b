import { accessSync, constants, lstatSync, readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type Config, loadConfig } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { READY_FILE, readReadyFile } from './ready-file.ts';
import type { Shell } from './shell.ts';

/** What was looked at, what was found, and what to do where that is not well. */
export interface Finding {
  readonly about: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly remedy: string | null;
}

type Check = (config: Config, running: boolean, log: Logger) => Promise<readonly Finding[]>;

/** Bytes free below which recordings soon have no room. */
const LITTLE_SPACE = 1024 ** 3;

/** Names of files in the data directory that hold a secret; `.pub` files do not. */
const SECRET = /(?:keys?|token)$/;

/** Milliseconds that a server may take to answer. */
const ANSWER_MS = 3000;

function ok(about: string, found: string): Finding {
  return { about, state: 'ok', found, remedy: null };
}

function warn(about: string, found: string, remedy: string): Finding {
  return { about, state: 'warn', found, remedy };
}

function fail(about: string, found: string, remedy: string): Finding {
  return { about, state: 'fail', found, remedy };
}

/**
 * Looks at everything that `serve` will need, or uses now, and changes nothing. Finds its settings as
 * `serve` does. Never rejects: what cannot be looked at is a finding.
 */
export async function examine(
  shell: Shell,
  configFile: string | null,
  log: Logger,
): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = loadConfig(shell.env, { configFile });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.message.split('\n');
    return lines.map((line) => fail('settings', line, 'correct it: docs/settings.md'));
  }
  const server = await serverFinding(config);
  const findings = [ok('settings', `data in ${config.dataDir}`), server];
  const shut = shutDirectory(config.dataDir);
  if (shut !== null) return [...findings, shut];
  for (const check of CHECKS) {
    findings.push(...(await check(config, server.state === 'ok', log)));
  }
  return findings;
}

/** Null where this account can look into it, or nobody has made it yet. */
function shutDirectory(dir: string): Finding | null {
  try {
    accessSync(dir, constants.R_OK | constants.X_OK);
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    return fail('files', `${dir}: ${reasonOf(error)}`, 'run this as the account of the server');
  }
}

async function serverFinding(config: Config): Promise<Finding> {
  const about = 'server';
  const ready = readReadyFile(join(config.dataDir, READY_FILE));
  if (ready === null) return warn(about, 'not running', 'start it: postern serve');
  try {
    const answer = await fetch(`${ready.http.url}/readyz`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (answer.ok) return ok(about, `ready at ${ready.http.url}, process ${ready.pid}`);
    return fail(about, `answers ${answer.status} at ${ready.http.url}/readyz`, 'see its log');
  } catch (error) {
    const found = `process ${ready.pid} does not answer at ${ready.http.url} (${reasonOf(error)})`;
    return fail(about, found, 'see its log; start it again');
  }
}

const runtime: Check = async () => {
  const { installGuards, nativeCryptoLoaded } = await import('../ssh/library.ts');
  installGuards();
  const node = `Node ${process.versions.node}`;
  if (nativeCryptoLoaded()) return [ok('runtime', `${node}, compiled ciphers`)];
  const remedy = 'install a C++ compiler and run npm ci again';
  return [warn('runtime', `${node}, ciphers in JavaScript: a third of the speed`, remedy)];
};

const files: Check = async ({ dataDir, recordings }) => {
  const findings = [...modes(dataDir)];
  const place = existing(recordings);
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  const found = `${(free / 1024 ** 3).toFixed(1)} GiB free for recordings in ${place}`;
  const isLittle = free < LITTLE_SPACE;
  findings.push(isLittle ? warn('disk', found, 'make room') : ok('disk', found));
  return findings;
};

/** Whether others may read what only the server may. */
function modes(dataDir: string): readonly Finding[] {
  let names: readonly string[];
  try {
    names = ['.', ...readdirSync(dataDir)];
  } catch {
    return [ok('files', `${dataDir} is made on the first start`)];
  }
  const open = names
    .filter((name) => name === '.' || SECRET.test(name))
    .map((name) => join(dataDir, name))
    .filter((path) => (lstatSync(path).mode & 0o077) !== 0);
  if (open.length === 0) return [ok('files', `${dataDir} is for its owner alone`)];
  return open.map((path) => fail('files', `others may read ${path}`, `chmod go= ${path}`));
}

/** The nearest directory above that is there. */
function existing(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? existing(dirname(path)) : path;
}

const database: Check = async ({ databaseUrl, dataDir }, running, log) => {
  const about = 'database';
  const embedded = databaseUrl === null;
  if (embedded && running) return [ok(about, 'embedded, in use by the server')];
  if (embedded && statSync(join(dataDir, 'pglite'), { throwIfNoEntry: false }) === undefined) {
    return [ok(about, 'embedded, made on the first start')];
  }
  const { migrationStatus } = await import('../store/migrate.ts');
  const databaseUrlText = databaseUrl?.expose() ?? null;
  try {
    const state = await migrationStatus({ databaseUrl: databaseUrlText, dataDir, log });
    const found = `${embedded ? 'embedded' : 'PostgreSQL'}, ${state.applied.length} migrations applied`;
    if (state.pending.length === 0) return [ok(about, found)];
    const remedy = 'serve applies them, or: postern migrate';
    return [warn(about, `${found}, ${state.pending.length} pending`, remedy)];
  } catch (error) {
    return [fail(about, reasonOf(error), 'see DATABASE_URL in docs/settings.md')];
  }
};

const counters: Check = async ({ redisUrl }) => {
  if (redisUrl === null) return [ok('counters', 'without Redis')];
  const { askRedis } = await import('../store/redis.ts');
  try {
    await askRedis(redisUrl.expose());
    return [ok('counters', 'Redis answers')];
  } catch (error) {
    const remedy = 'sessions go on without it; see REDIS_URL in docs/settings.md';
    return [warn('counters', `Redis does not answer (${reasonOf(error)})`, remedy)];
  }
};

const bucket: Check = async (config) => {
  const { archiveAccess } = await import('../app/archiving.ts');
  const access = archiveAccess(config);
  if (access === null) return [];
  const { Bucket } = await import('../archive/bucket.ts');
  const { bucket: name, endpoint } = access.place;
  try {
    await new Bucket(access.place, access.credentials).probe();
    return [ok('bucket', `${name} at ${endpoint} answers`)];
  } catch (error) {
    const remedy =
      'until then recordings stay here; see docs/recordings.md for the rights that are needed';
    return [fail('bucket', reasonOf(error), remedy)];
  }
};

const ports: Check = async ({ sshListen, httpListen }, running) => {
  if (running) return [];
  const asked = [
    { name: 'POSTERN_SSH_LISTEN', ...sshListen },
    { name: 'POSTERN_HTTP_LISTEN', ...httpListen },
  ];
  return await Promise.all(
    asked.map(async ({ name, host, port }) => {
      const problem = await listenProblem(host, port);
      const place = `${host}:${port}`;
      if (problem === null) return ok('ports', `${place} is free`);
      return fail('ports', `${place} cannot be listened on (${problem})`, `set ${name}`);
    }),
  );
};

/** Null: it can be listened on. */
function listenProblem(host: string, port: number): Promise<string | null> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(reasonOf(error)));
    server.listen({ host, port }, () => server.close(() => resolve(null)));
  });
}

/** In the order of the answer. */
const CHECKS: readonly Check[] = [runtime, files, database, counters, bucket, ports];
