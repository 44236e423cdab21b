/**
 * How many requests a second the API answers, and how fast: a `serve` on a PostgreSQL server of its own that
 * bench/seed-store.ts's rows fill, asked over kept connections by this process. Prints a table.
 *
 *   sh scripts/node.sh bench/api.ts [SESSIONS] [SECONDS] [CONNECTIONS]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { argv, execPath, stdout } from 'node:process';
import pg from 'pg';
import { plainEnvironment } from '../test/support/environment.ts';
import { eventually } from '../test/support/eventually.ts';
import { fillWithSessions } from '../test/support/many-sessions.ts';
import { scratch } from '../test/support/scratch.ts';
import { startPostgres } from '../test/support/services.ts';

const SESSIONS = Number(argv[2] ?? 100_000);
const SECONDS = Number(argv[3] ?? 5);
const CONNECTIONS = Number(argv[4] ?? 16);
const MAIN = resolve(import.meta.dirname, '../src/main.ts');

interface Ready {
  readonly http: { readonly url: string };
  readonly admin_token_file: string;
}

/** Milliseconds of each answer, the quickest first. */
async function ask(url: string, token: string, seconds: number): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const headers = { authorization: `Bearer ${token}` };
  const times: number[] = [];
  const one = async (): Promise<void> => {
    const begun = performance.now();
    const [response] = await once(get(url, { agent, headers }), 'response');
    response.resume();
    await once(response, 'end');
    if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode}`);
    times.push(performance.now() - begun);
  };
  const end = performance.now() + seconds * 1000;
  const lane = async (): Promise<void> => {
    while (performance.now() < end) await one();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  agent.destroy();
  return times.sort((a, b) => a - b);
}

async function measure({ http, admin_token_file }: Ready): Promise<void> {
  const token = readFileSync(admin_token_file, 'utf8').trim();
  const { hostname, port } = new URL(http.url);
  stdout.write('| asked | requests a second | p50 ms | p99 ms |\n|---|---|---|---|\n');
  for (const path of [
    'sessions',
    'sessions?status=all&limit=20',
    `sessions/${Math.floor(SESSIONS / 2)}`,
    'sessions/stats?period=day',
    'machines',
    'audit?limit=20',
  ]) {
    const url = `http://${hostname}:${port}/v1/${path}`;
    // Code that has run before is faster, here and there.
    await ask(url, token, 1);
    const times = await ask(url, token, SECONDS);
    const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
    const rate = Math.round(times.length / SECONDS);
    stdout.write(`| /v1/${path} | ${rate} | ${at(0.5)} | ${at(0.99)} |\n`);
  }
  const load = loadavg().map((one) => one.toFixed(1));
  stdout.write(`\n${CONNECTIONS} connections, load average ${load.join(', ')}\n`);
}

using files = scratch();
const database = await startPostgres(files.path);
if (database === null) throw new Error('no PostgreSQL here: apt-get install postgresql');
const ready = files.join('ready.json');
const server = spawn(execPath, [MAIN, 'serve'], {
  env: plainEnvironment({
    DATABASE_URL: database.url,
    POSTERN_DATA_DIR: files.join('data'),
    POSTERN_SSH_LISTEN: '127.0.0.1:0',
    POSTERN_HTTP_LISTEN: '127.0.0.1:0',
    POSTERN_READY_FILE: ready,
    POSTERN_LOG_LEVEL: 'error',
    POSTERN_API_RATE: '100000000',
  }),
  stdio: ['ignore', 'ignore', 'inherit'],
});
try {
  await eventually('the product is ready', () => existsSync(ready), 60_000);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await fillWithSessions(client, { sessions: SESSIONS, events: SESSIONS, until: new Date() });
  await client.end();
  await measure(JSON.parse(readFileSync(ready, 'utf8')) as Ready);
} finally {
  server.kill('SIGTERM');
  await once(server, 'exit');
  await database.stop();
}
