/**
 * What a search costs over many sessions: fills a database of a PostgreSQL server of its own with
 * transcript blocks, and searches for what is common, rare and absent. Prints a table; `CPU ms` is what
 * server and process worked for one search, which other load changes less than the times.
 *
 *   sh scripts/node.sh bench/search.ts [BLOCKS] [SEARCHES] [DATABASE_URL]
 *
 * With a DATABASE_URL that one is filled if it is empty, and kept. At the end it says what writing costs,
 * into the full database.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import process, { argv, stdout } from 'node:process';
import pg from 'pg';
import type { TranscriptBlock } from '../src/domain/analysis.ts';
import type { Logger } from '../src/domain/log.ts';
import { type SearchFilter, searchedWords } from '../src/domain/search.ts';
import type { Store } from '../src/domain/store.ts';
import { openStore } from '../src/store/database.ts';
import { session } from '../test/store/examples.ts';
import { startPostgres } from '../test/support/services.ts';

const BLOCKS = Number(argv[2] ?? 1_000_000);
const SEARCHES = Number(argv[3] ?? 40);
const SESSIONS = 5000;
const USERS = 50;
/** Of Linux. */
const MS_A_TICK = 10;
const INDEX = 'search_sheets_keys';
/** Of writing: sessions, pieces of each, pieces that are written at once. */
const WRITTEN = { sessions: 40, pieces: 200, atOnce: 20 };

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => stdout.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (message) => stdout.write(`${message}\n`),
  child: () => quiet,
};

/**
 * Sessions of fifty users on a hundred machines over a year, and their blocks in the order of time, of
 * some 250 characters. One user has a fifth of everything (a robot), one three sessions. `scattered`
 * numbers blocks as if by chance.
 */
const SEED = [
  `insert into users (name, role) select 'user' || n, 'member' from generate_series(1, ${USERS}) n`,
  `insert into machines (name, kind, host, port, login, auth_type, host_key_policy, recording, tags, description)
    select 'm' || n, 'ssh', 'h' || n, 22, 'deploy', 'none', 'accept-new', 'required', '{}', '' from generate_series(1, 100) n`,
  `insert into sessions (user_id, user_name, machine_id, machine_name, machine_host, login, kind, status, node,
      started_at, last_activity, ended_at, end_reason, ip_address, user_agent)
    select u.id, u.name, m.id, m.name, m.host, 'deploy', 'shell', 'stopped', 'bench', t, t, t, 'client_closed', '192.0.2.1', 'bench'
    from generate_series(0, ${SESSIONS} - 1) n
    cross join lateral (select timestamptz '2026-01-01' + n * interval '105 minutes' as t) at
    join users u on u.name = 'user' || case when n in (100, 2500, 4900) then ${USERS}
      when n % 5 = 0 then 1 else 2 + n::bigint * 7919 % (${USERS} - 2) end
    join machines m on m.name = 'm' || n::bigint * 104729 % 100 + 1`,
  `insert into recordings (session_id, channel, key, state, started_at, ended_at)
    select id, 1, 'bench/' || id, 'complete', started_at, ended_at from sessions order by id`,
  `insert into transcript_blocks (recording_id, session_id, user_id, machine_id, channel, number, at, from_s, to_s,
      body, stream, kind, folded)
    select r.id, r.session_id, sessions.user_id, machine_id, 1, n, r.started_at + n * interval '1 second', n, n + 1,
      text, 'terminal', 'output', text
    from generate_series(0::bigint, ${BLOCKS} - 1) b
    cross join lateral (select b % ${BLOCKS / SESSIONS} as n, b / ${BLOCKS / SESSIONS} as s,
      b * 2654435761 % 4294967291 as scattered) place
    join recordings r on r.id = (select min(id) from recordings) + s
    join sessions on sessions.id = r.session_id
    cross join lateral (select
      'drwxr-xr-x 2 deploy deploy 4096 file-' || b || E'.log\nget /v1/things/' || b / 3
      || E' 200 ok\nunit worker-' || scattered % 9973 || ' started in ' || b % 977 || E' ms\n'
      || case when scattered % 50 = 0 then E'warning: quota nearly reached\n' else '' end
      || case when s % 50 = 3 then E'brownout in this whole session\n' else '' end
      || case when b < ${BLOCKS} * 0.3 and b % 2 = 0 then E'jenkins says hello\n' else '' end
      || case when scattered % 2000 = 0 then E'segfault at address\n' else '' end
      || case when b % (${BLOCKS} / 10) = 7 then E'xylophone zebra\n' else '' end
      || repeat('the quick brown fox jumps over the lazy dog ' || b % 13 || ' ', 2) as text) made
    order by b`,
  `insert into commands (recording_id, session_id, user_id, machine_id, channel, number, at, starts, ends, body, source,
      confidence, folded)
    select recording_id, session_id, user_id, machine_id, 1, row_number() over (partition by recording_id order by number),
      at, from_s, to_s, text, 'osc133', 'exact', text
    from transcript_blocks cross join lateral (select 'systemctl restart worker-' || number || ' # deploy'
      || case when id % 500 = 0 then ' quota' else '' end as text) made
    where number % 10 = 0 order by id`,
  `insert into recording_analyses (recording_id, state) select id, 'done' from recordings`,
  `insert into search_loose (recording_id, session_id, user_id, machine_id)
    select recordings.id, session_id, user_id, machine_id from recordings join sessions on sessions.id = session_id`,
];

const QUERIES = [
  ['common: in every block', 'deploy'],
  ['a part of a word, in one of 50', 'ota near'],
  ['two words, in one of 50', 'quota warning'],
  ['in all of one of 50 sessions', 'brownout'],
  ['common a long time ago', 'jenkins'],
  ['in one of 2 000', 'segfault'],
  ['together, in one of 2 000', '"segfault at"'],
  ['rare: ten times', 'xylophone'],
  ['two words, rare', 'zebra xylo'],
  ['three characters, rare', 'xyl'],
  ['rare with common', 'xylophone deploy'],
  ['absent', 'mercurial'],
  ['absent, of parts that are there', 'deployquota'],
  ['absent, of parts that are everywhere', '"over the fox"'],
  ['two common words, never together', 'jenkins 1.log'],
] as const;

/** What is searched: by an admin, with filters, and by who may see their own alone. */
const FILTERS: readonly (readonly [string, Omit<SearchFilter, 'words'>])[] = [
  ['all', {}],
  ['commands', { kind: 'command' }],
  ['one user of fifty', { userId: 7 }],
  ['one machine of a hundred', { machineId: 7 }],
  ['a month', { from: new Date('2026-03-01'), to: new Date('2026-04-01') }],
  ['a session', { sessionId: 700 }],
  ['user and machine', { userId: 7, machineId: 38 }],
  ['own alone: 1.6 %', { onlyOf: 7 }],
  ['own alone: 0.06 %', { onlyOf: USERS }],
  ['own alone: 20 %', { onlyOf: 1 }],
];

function at(times: readonly number[], share: number): string {
  const sorted = [...times].sort((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
}

/** Milliseconds of CPU that the server's processes for us, and this one, have had so far. */
async function worked(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = 'postern'`,
  );
  const { user, system } = process.cpuUsage();
  const ticks = rows.map(({ pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, one) => sum + one * MS_A_TICK, (user + system) / 1000);
}

/** Fills the database, and has it made ready as what was there before an update. */
async function fill(client: pg.Client, { analyses }: Pick<Store, 'analyses'>): Promise<void> {
  const began = performance.now();
  await client.query('set synchronous_commit = off');
  for (const statement of SEED) await client.query(statement);
  const seeded = performance.now();
  while (await analyses.gather());
  const gathered = performance.now();
  await client.query('vacuum analyze');
  const sizes = await client.query<{ text: string; sheets: string; index: string }>(
    `select pg_size_pretty(pg_table_size('transcript_blocks')) as text,
      pg_size_pretty(pg_table_size('search_sheets')) as sheets,
      pg_size_pretty(pg_relation_size('${INDEX}')) as index`,
  );
  const { text = '', sheets = '', index = '' } = sizes.rows[0] ?? {};
  const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(0);
  stdout.write(
    `${BLOCKS} blocks in ${seconds(began, seeded)} s (${text}), sheets in ${seconds(seeded, gathered)} s (${sheets}, index ${index})\n\n`,
  );
}

/** The text of a piece as in the seed. */
function textOf(n: number): string {
  const dog = `the quick brown fox jumps over the lazy dog ${n % 13} `;
  return `drwxr-xr-x 2 deploy deploy 4096 file-${n}.log\nget /v1/things/${n} 200 ok\nunit worker-${n % 9973} started in ${n % 977} ms\n${dog}${dog}`;
}

async function write(client: pg.Client, { sessions, analyses }: Store): Promise<void> {
  const { rows } = await client.query<{ user_id: string; machine_id: string }>(
    'select user_id, machine_id from sessions order by id desc limit $1',
    [WRITTEN.sessions],
  );
  const before = await worked(client);
  const began = performance.now();
  for (const [nth, { user_id, machine_id }] of rows.entries()) {
    const startedAt = new Date();
    const of = { userId: Number(user_id), machineId: Number(machine_id), startedAt };
    const { id } = await sessions.create(session(of));
    const key = `written/${id}`;
    await sessions.openRecording({ sessionId: id, channel: 1, key, startedAt });
    const recording = (await sessions.recordings(id))[0]?.id ?? 0;
    await analyses.begin(recording, 1);
    for (let from = 0; from < WRITTEN.pieces; from += WRITTEN.atOnce) {
      const blocks = Array.from({ length: WRITTEN.atOnce }, (_, more) => from + more).map(
        (index): TranscriptBlock => ({
          ...{ channel: 1, index, from: index, to: index + 1, stream: 'terminal', kind: 'output' },
          text: textOf(nth * WRITTEN.pieces + index),
        }),
      );
      await analyses.write(recording, { commands: [], blocks });
    }
    await analyses.end(recording, null);
  }
  const pieces = rows.length * WRITTEN.pieces;
  const second = pieces / ((performance.now() - began) / 1000);
  const cpu = ((await worked(client)) - before) / pieces;
  stdout.write(
    `\nwriting: ${second.toFixed(0)} pieces a second, ${cpu.toFixed(2)} ms of CPU each\n`,
  );
}

const dir = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const server = argv[4] === undefined ? await startPostgres(dir) : { url: argv[4], stop: () => {} };
if (server === null) throw new Error('no PostgreSQL here: apt-get install postgresql');
try {
  const store = await openStore({
    ...{ databaseUrl: server.url, dataDir: dir, secretKey: Buffer.alloc(32, 7) },
    ...{ migrate: true, log: quiet },
  });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rowCount } = await client.query('select from sessions limit 1');
  if (rowCount === 0) await fill(client, store);
  stdout.write('| searched | in | hits | p50 ms | p99 ms | CPU ms |\n|---|---|---|---|---|---|\n');
  for (const [what, q] of QUERIES) {
    const words = searchedWords(q) ?? [];
    for (const [where, filter] of FILTERS) {
      const times: number[] = [];
      let found = '';
      const before = await worked(client);
      for (let n = 0; n < SEARCHES; n += 1) {
        const start = performance.now();
        const request = { limit: 20, after: null, shown: <F>(one: F) => one };
        const { hits, next } = await store.search.find({ words, ...filter }, request);
        found = `${hits.length}${hits.length < 20 && next !== null ? ', unfinished' : ''}`;
        times.push(performance.now() - start);
      }
      const cpu = (((await worked(client)) - before) / SEARCHES).toFixed(0);
      stdout.write(
        `| ${what} | ${where} | ${found} | ${at(times, 0.5)} | ${at(times, 0.99)} | ${cpu} |\n`,
      );
    }
  }
  await write(client, store);
  await client.end();
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
