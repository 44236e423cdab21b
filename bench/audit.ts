/**
 * What the chain of the audit costs: events a second of 1, 4 and 16 writers, each on its own connection, linked once
 * a second, and without a chain (the same without its trigger), turn by turn in one run; and how long the end of
 * a session takes, which writes its row and an event in one transaction. On a PostgreSQL of its own that writes to
 * the disk as it does by default.
 *
 *   sh scripts/node.sh bench/audit.ts [SECONDS]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, stdout } from 'node:process';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import type { NewAuditEvent } from '../src/domain/audit.ts';
import type { Logger } from '../src/domain/log.ts';
import { SqlAuditStore } from '../src/store/audit.ts';
import { columnTypes } from '../src/store/connection.ts';
import { migrateServer } from '../src/store/database.ts';
import { SqlSessionStore } from '../src/store/sessions.ts';
import type { Db, Tables } from '../src/store/tables.ts';
import * as example from '../test/store/examples.ts';
import { startPostgres } from '../test/support/services.ts';

const SECONDS = Number(argv[2] ?? 2);
const TURNS = 3;
const WRITERS = [1, 4, 16];

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message) => stdout.write(`${message}\n`),
  error: (message) => stdout.write(`${message}\n`),
  child: () => quiet,
};

const EVENT: NewAuditEvent = {
  ...{ at: new Date(), type: 'channel.opened', actor: 'ada', userId: 1, machineId: 1 },
  ...{ sessionId: 1, source: '192.0.2.1', detail: { policy: 'required', login: 'deploy' } },
};

type Work = (db: Db) => Promise<unknown>;

const append: Work = (db) => new SqlAuditStore(db).append(EVENT);

/** A session that ends, as the control plane does it. */
async function end(db: Db): Promise<number> {
  const { id } = await new SqlSessionStore(db).create(
    example.session({ userId: 1, machineId: 1, startedAt: new Date() }),
  );
  const begun = performance.now();
  await db.transaction().execute(async (tx) => {
    const bytes = { bytesIn: 1, bytesOut: 1 };
    await new SqlSessionStore(tx).end(id, {
      ...{ endedAt: new Date(), reason: 'client_closed', ...bytes },
    });
    await new SqlAuditStore(tx).append({ ...EVENT, type: 'session.ended', sessionId: id });
  });
  return performance.now() - begun;
}

async function prepared(url: string, name: string, isLinked: boolean): Promise<Db> {
  const maker = new pg.Client({ connectionString: url });
  await maker.connect();
  await maker.query(`create database ${name}`);
  await maker.end();
  const databaseUrl = url.replace(/\/[^/]*$/, `/${name}`);
  await migrateServer({ databaseUrl, dataDir: '', log: quiet });
  const pool = new pg.Pool({
    ...{ connectionString: databaseUrl, max: Math.max(...WRITERS), types: columnTypes },
  });
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  await sql`insert into users (name, role) values ('ada', 'member')`.execute(db);
  await sql`insert into machines (name, kind, host, port, login, auth_type, host_key_policy, recording,
    tags, description) values ('web1', 'ssh', 'h', 22, 'deploy', 'none', 'accept-new', 'required', '{}', '')`.execute(
    db,
  );
  if (!isLinked) await sql`drop trigger audit_waits on audit`.execute(db);
  return db;
}

/** How long each took, in milliseconds. */
async function turn(db: Db, writers: number, work: Work): Promise<readonly number[]> {
  const until = performance.now() + SECONDS * 1000;
  const times: number[] = [];
  const writer = async () => {
    while (performance.now() < until) {
      const begun = performance.now();
      const own = await work(db);
      times.push(typeof own === 'number' ? own : performance.now() - begun);
    }
  };
  const linking = setInterval(() => void new SqlAuditStore(db).link(), 1000);
  await Promise.all(Array.from({ length: writers }, writer));
  clearInterval(linking);
  return times;
}

const at = (times: readonly number[], share: number): number =>
  [...times].sort((a, b) => a - b)[Math.floor((times.length - 1) * share)] ?? 0;

async function compare(what: string, databases: readonly Db[], work: Work): Promise<void> {
  for (const writers of WRITERS) {
    const all: number[][] = databases.map(() => []);
    for (let n = 0; n < TURNS; n++) {
      for (const [which, db] of databases.entries()) {
        all[which]?.push(...(await turn(db, writers, work)));
      }
    }
    const [linked = [], plain = []] = all;
    const rate = (times: readonly number[]) => times.length / (SECONDS * TURNS);
    const shown = (times: readonly number[]) =>
      `${rate(times).toFixed(0)} | ${at(times, 0.5).toFixed(2)} | ${at(times, 0.99).toFixed(2)}`;
    const ratio = (rate(linked) / rate(plain)).toFixed(2);
    stdout.write(`| ${what} | ${writers} | ${shown(linked)} | ${shown(plain)} | ${ratio} |\n`);
  }
}

const dir = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const server = await startPostgres(dir, undefined, []);
if (server === null) throw new Error('no PostgreSQL here: apt-get install postgresql');
try {
  const databases = [
    await prepared(server.url, 'linked', true),
    await prepared(server.url, 'plain', false),
  ];
  stdout.write(
    '| what | writers | linked: a second | p50 ms | p99 ms | plain: a second | p50 ms | p99 ms | ratio |\n|---|---|---|---|---|---|---|---|---|\n',
  );
  await compare('an event', databases, append);
  await compare('the end of a session', databases, end);
  for (const db of databases) await db.destroy();
  stdout.write(
    `\nload average ${loadavg()
      .map((one) => one.toFixed(1))
      .join(', ')}\n`,
  );
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
