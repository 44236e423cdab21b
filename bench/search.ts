/**
 * What a search costs over many sessions: fills a database of a PostgreSQL server of its own with
 * transcript blocks, and searches for what is common, rare and absent. Prints a table.
 *
 *   sh scripts/node.sh bench/search.ts [BLOCKS] [SEARCHES]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, stdout } from 'node:process';
import pg from 'pg';
import type { Logger } from '../src/domain/log.ts';
import { searchedWords } from '../src/domain/search.ts';
import { openStore } from '../src/store/database.ts';
import { startPostgres } from '../test/support/services.ts';

const BLOCKS = Number(argv[2] ?? 1_000_000);
const SEARCHES = Number(argv[3] ?? 40);
const SESSIONS = 5000;

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => stdout.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (message) => stdout.write(`${message}\n`),
  child: () => quiet,
};

/** Sessions of fifty users on a hundred machines over a year, and their blocks, of some 250 characters. */
const SEED = [
  `insert into users (name, role) select 'user' || n, 'member' from generate_series(1, 50) n`,
  `insert into machines (name, kind, host, port, login, auth_type, host_key_policy, recording, tags, description)
    select 'm' || n, 'ssh', 'h' || n, 22, 'deploy', 'none', 'accept-new', 'required', '{}', '' from generate_series(1, 100) n`,
  `insert into sessions (user_id, user_name, machine_id, machine_name, machine_host, login, kind, status, node,
      started_at, last_activity, ended_at, end_reason, ip_address, user_agent)
    select u.id, u.name, m.id, m.name, m.host, 'deploy', 'shell', 'stopped', 'bench', t, t, t, 'client_closed', '192.0.2.1', 'bench'
    from generate_series(1, ${SESSIONS}) n
    cross join lateral (select timestamptz '2026-01-01' + n * interval '105 minutes' as t) at
    join users u on u.name = 'user' || (n % 50 + 1) join machines m on m.name = 'm' || (n % 100 + 1)`,
  `insert into recordings (session_id, channel, key, state, started_at, ended_at)
    select id, 1, 'bench/' || id, 'complete', started_at, ended_at from sessions`,
  `insert into transcript_blocks (recording_id, session_id, channel, number, at, from_s, to_s, body, stream, kind, folded)
    select r.id, r.session_id, 1, n, r.started_at + n * interval '1 second', n, n + 1, text, 'terminal', 'output', text
    from generate_series(0, ${BLOCKS} - 1) b
    cross join lateral (select b / ${SESSIONS} as n, b % ${SESSIONS} + 1 as s) place
    join recordings r on r.id = (select min(id) from recordings) + s - 1
    cross join lateral (select
      'drwxr-xr-x 2 deploy deploy 4096 file-' || b || E'.log\\nget /v1/things/' || b / 3
      || E' 200 ok\\nunit worker-' || b % 9973 || ' started in ' || b % 977 || E' ms\\n'
      || case when b % 50 = 0 then E'warning: quota nearly reached\\n' else '' end
      || case when b % 2000 = 0 then E'segfault at address\\n' else '' end
      || case when b % 100000 = 7 then E'xylophone zebra\\n' else '' end
      || repeat('the quick brown fox jumps over the lazy dog ' || b % 13 || ' ', 2) as text) made`,
  'analyze',
];

const QUERIES = [
  ['common: in every block', 'deploy'],
  ['a part of a word, in one of 50', 'ota near'],
  ['two words, in one of 50', 'quota warning'],
  ['in one of 2 000', 'segfault'],
  ['together, in one of 2 000', '"segfault at"'],
  ['rare: ten times', 'xylophone'],
  ['two words, rare', 'zebra xylo'],
  ['three characters, rare', 'xyl'],
  ['rare with common', 'xylophone deploy'],
  ['absent', 'mercurial'],
  ['absent, of parts that are there', 'deployquota'],
] as const;

function at(times: readonly number[], share: number): string {
  const sorted = [...times].sort((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
}

const dir = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const server = await startPostgres(dir);
if (server === null) throw new Error('no PostgreSQL here: apt-get install postgresql');
try {
  const store = await openStore({
    ...{ databaseUrl: server.url, dataDir: dir, secretKey: Buffer.alloc(32, 7) },
    ...{ migrate: true, log: quiet },
  });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const began = performance.now();
  // As one loads much: the index at the end.
  const { rows } = await client.query<{ make: string }>(
    `select indexdef as make from pg_indexes where indexname = 'transcript_blocks_folded'`,
  );
  await client.query('drop index transcript_blocks_folded');
  await client.query('set synchronous_commit = off');
  for (const statement of SEED) await client.query(statement);
  const seeded = performance.now();
  await client.query("set maintenance_work_mem = '512MB'");
  await client.query(rows[0]?.make ?? '');
  const sizes = await client.query<{ text: string; index: string }>(
    `select pg_size_pretty(pg_table_size('transcript_blocks')) as text,
      pg_size_pretty(pg_relation_size('transcript_blocks_folded')) as index`,
  );
  await client.end();
  const { text = '', index = '' } = sizes.rows[0] ?? {};
  const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(0);
  stdout.write(
    `${BLOCKS} blocks in ${seconds(began, seeded)} s (${text}), index in ${seconds(seeded, performance.now())} s (${index})\n\n`,
  );
  stdout.write(
    '| searched | hits | p50 ms | p99 ms | as one user, p50 | p99 |\n|---|---|---|---|---|---|\n',
  );
  for (const [what, q] of QUERIES) {
    const words = searchedWords(q) ?? [];
    const run = async (filter: { readonly userId?: number }) => {
      const times: number[] = [];
      let hits = 0;
      for (let n = 0; n < SEARCHES; n += 1) {
        const start = performance.now();
        const request = { limit: 20, after: null, shown: <F>(found: F) => found };
        hits = (await store.search.find({ words, ...filter }, request)).hits.length;
        times.push(performance.now() - start);
      }
      return { hits, times };
    };
    const all = await run({});
    const one = await run({ userId: 7 });
    stdout.write(
      `| ${what} | ${all.hits} | ${at(all.times, 0.5)} | ${at(all.times, 0.99)} | ${at(one.times, 0.5)} | ${at(one.times, 0.99)} |\n`,
    );
  }
  stdout.write(
    `\nload average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(', ')}\n`,
  );
  await store.close();
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
