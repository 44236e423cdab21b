import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SqlAuditStore } from '../../src/store/audit.ts';
import { columnTypes } from '../../src/store/connection.ts';
import { migrateServer } from '../../src/store/database.ts';
import { SqlCountStore } from '../../src/store/session-counts.ts';
import { SqlSessionStore } from '../../src/store/sessions.ts';
import type { Db, Tables } from '../../src/store/tables.ts';
import { type Place, place } from '../support/database.ts';
import { fillWithSessions } from '../support/many-sessions.ts';
import { needs } from '../support/requirements.ts';
import { questionsOf } from '../support/store-questions.ts';
import { session } from './examples.ts';
import { silent } from './options.ts';

/** Enough that PostgreSQL would not rather read a whole table than an index. */
const SIZE = { sessions: 50_000, events: 150_000, until: new Date('2026-03-01T00:00:00Z') };

needs('postgres').describe('lists of a large database', () => {
  let where: Place;
  let pool: pg.Pool;
  let db: Db;
  const asked: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];
  beforeAll(async () => {
    where = await place('postgres');
    const databaseUrl = where.databaseUrl ?? '';
    await migrateServer({ databaseUrl, dataDir: where.dataDir, log: silent });
    pool = new pg.Pool({ connectionString: databaseUrl, max: 2, types: columnTypes });
    const client = await pool.connect();
    await fillWithSessions(client, SIZE);
    client.release();
    db = new Kysely<Tables>({
      dialect: new PostgresDialect({ pool }),
      log({ query: { sql, parameters } }) {
        asked.push({ sql, parameters });
      },
    });
  });
  afterAll(async () => {
    await db.destroy();
    await where[Symbol.asyncDispose]();
  });

  const stores = () => ({
    sessions: new SqlSessionStore(db),
    audit: new SqlAuditStore(db),
    counts: new SqlCountStore(db),
  });

  test('read no large table from end to end, whatever is asked', async () => {
    const whole: string[] = [];
    for (const { what, ask } of await questionsOf(stores())) {
      asked.splice(0);
      await ask();
      for (const { sql, parameters } of asked) {
        if (sql.trimStart().startsWith('explain')) continue;
        const { rows } = await pool.query(`explain ${sql}`, [...parameters]);
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        if (/Seq Scan on (sessions|audit)\b/.test(plan)) whole.push(`${what}:\n${plan}`);
      }
    }
    expect(whole).toEqual([]);
  });

  const june = { from: new Date('2025-06-01T00:00:00Z'), to: new Date('2025-07-01T00:00:00Z') };
  test.each([
    ['all', {}, new Date()],
    ['of a month', june, new Date('2025-06-30T23:59:59Z')],
  ])('%s are the same page after page while rows arrive', async (_, filter, startedAt) => {
    const { sessions } = stores();
    const asking = { statuses: null, machineId: 7, ...filter };
    const all = await sessions.list(asking, { limit: 100, page: 1 });
    const expected = all.rows.map(({ id }) => id);
    expect(expected.length).toBeGreaterThan(5);
    const read: number[] = [];
    for (let before: number | null = Number.MAX_SAFE_INTEGER; before !== null; ) {
      const page = await sessions.list(asking, { limit: 3, before });
      read.push(...page.rows.map(({ id }) => id));
      before = read.length < expected.length ? page.next : null;
      await sessions.create(session({ userId: 1, machineId: 7, startedAt }));
    }
    expect(read.slice(0, expected.length)).toEqual(expected);
  });

  test('are counted exactly up to a bound, and about above it', async () => {
    const { sessions, audit } = stores();
    const some = await sessions.list({ statuses: null, userId: 3 }, { limit: 1, page: 1 });
    const { rows } = await pool.query('select count(*)::int as n from sessions where user_id = 3');
    expect(some.total).toBe(rows[0].n);
    const { total } = await audit.list({}, { limit: 1, page: 1 });
    expect(total).toBeGreaterThan(SIZE.events / 2);
    expect(total).toBeLessThan(SIZE.events * 2);
  });
});
