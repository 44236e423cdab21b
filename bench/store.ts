/**
 * What lists, one session, statistics and the audit cost in a large database: fills a PostgreSQL server of its
 * own, or takes one that bench/seed-store.ts has filled, and asks each question many times. Prints a table.
 *
 *   sh scripts/node.sh bench/store.ts [SESSIONS] [EVENTS] [ASKED]
 *   sh scripts/node.sh bench/store.ts postgres://USER@HOST/DATABASE [ASKED]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, stdout } from 'node:process';
import pg from 'pg';
import type { Logger } from '../src/domain/log.ts';
import { openStore } from '../src/store/database.ts';
import { fillWithSessions } from '../test/support/many-sessions.ts';
import { startPostgres } from '../test/support/services.ts';
import { questionsOf } from '../test/support/store-questions.ts';

const given = argv[2]?.includes('://') === true;
const [sessions, events] = given ? [0, 0] : [Number(argv[2] ?? 1e6), Number(argv[3] ?? 5e6)];
const ASKED = Number((given ? argv[3] : argv[4]) ?? 40);

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => stdout.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (message) => stdout.write(`${message}\n`),
  child: () => quiet,
};

function at(times: readonly number[], share: number): string {
  const sorted = [...times].sort((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
}

async function measure(databaseUrl: string): Promise<void> {
  const store = await openStore({
    ...{ databaseUrl, dataDir: '', secretKey: Buffer.alloc(32, 7), migrate: true, log: quiet },
  });
  if (!given) {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await fillWithSessions(client, { sessions, events, until: new Date() });
    await client.end();
  }
  stdout.write('| asked | p50 ms | p99 ms |\n|---|---|---|\n');
  for (const { what, ask } of await questionsOf(store)) {
    const times: number[] = [];
    for (let n = 0; n < ASKED; n++) {
      const begun = performance.now();
      await ask();
      times.push(performance.now() - begun);
    }
    stdout.write(`| ${what} | ${at(times, 0.5)} | ${at(times, 0.99)} |\n`);
  }
  await store.close();
  const memory = Math.round(process.memoryUsage().rss / 2 ** 20);
  const load = loadavg().map((one) => one.toFixed(1));
  stdout.write(`\n${memory} MB resident, load average ${load.join(', ')}\n`);
}

if (given) await measure(argv[2] ?? '');
else {
  const dir = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const server = await startPostgres(dir);
  if (server === null) throw new Error('no PostgreSQL here: apt-get install postgresql');
  try {
    await measure(server.url);
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
