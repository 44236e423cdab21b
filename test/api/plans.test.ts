import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { fillWithSessions } from '../support/many-sessions.ts';
import { needs } from '../support/requirements.ts';
import { type ServedOperation, servedOperations } from './operations.ts';
import { call, openStage, type Stage, tokenFor } from './stage.ts';

/** Every list of the API with every filter, every two and all of them, over a large database: no plan reads a large table whole. */

/** Enough that PostgreSQL would not rather read a whole table than an index. */
const SIZE = { sessions: 50_000, events: 150_000, until: new Date('2026-03-01T00:00:00Z') };

/** One value of each filter, by its name; of which some find much, some little. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  status: ['all', 'active', 'ended', 'failed', 'connected', 'pending'],
  kind: ['sftp', 'command'],
  state: ['complete'],
  type: ['channel.opened', 'recording.failed'],
  role: ['member'],
  user_id: ['usr_3'],
  machine_id: ['mch_7'],
  session_id: ['sess_25000'],
  group_id: ['grp_1'],
  stack_id: ['1'],
  // Statistics of most of a table read most of it.
  from: ['2026-02-01T00:00:00Z'],
  to: ['2026-02-20T00:00:00Z'],
  period: ['month', 'week'],
  search: ['user17', 'deploy', 'xylophone'],
  q: ['deploy'],
  tag: ['env=prod'],
};

/** Not filters: how what is found is read. */
const PAGING = ['limit', 'page', 'cursor'];

interface Asked {
  readonly sql: string;
  readonly values: readonly unknown[];
}

needs('postgres').describe('over a large database', () => {
  let stage: Stage;
  let admin: string;
  let client: pg.Client;
  const asked: Asked[] = [];

  beforeAll(async () => {
    stage = await openStage('postgres');
    admin = await tokenFor(stage, null, ['admin']);
    client = new pg.Client({ connectionString: stage.place.databaseUrl ?? '' });
    await client.connect();
    await fillWithSessions(client, SIZE);
    const query = pg.Client.prototype.query;
    vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args) {
      const [text, values] = args as unknown[];
      if (typeof text === 'string' && Array.isArray(values)) asked.push({ sql: text, values });
      return Reflect.apply(query, this, args);
    });
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await client.end();
    await stage.close();
  });

  /** Queries of an operation: each filter alone, every two, all, none; by page and by cursor. */
  function queriesOf({ operation, path }: ServedOperation): readonly URLSearchParams[] {
    const parameters = (operation.parameters ?? []).filter(({ in: place }) => place === 'query');
    const names = parameters.map(({ name }) => name).filter((name) => !PAGING.includes(name));
    const singles = names.flatMap((name) => {
      const schema = parameters.find((one) => one.name === name)?.schema;
      const values = (VALUES[name] ?? []).filter(
        (value) => schema?.enum === undefined || schema.enum.includes(value),
      );
      if (values.length === 0) throw new Error(`${path} needs a value of ${name}`);
      return values.map((value) => [name, value] as const);
    });
    const first = names.map((name) => singles.find(([one]) => one === name) ?? ['', '']);
    const pairs = first.flatMap((one, at) => first.slice(at + 1).map((other) => [one, other]));
    const needed = first.filter(([name]) => parameters.some((p) => p.name === name && p.required));
    const sets = [[], ...singles.map((one) => [one]), ...pairs, first];
    const hasPages = parameters.some(({ name }) => name === 'page');
    const paging = hasPages
      ? [
          ['page', '1'],
          ['page', '3'],
          ['cursor', '25000'],
        ]
      : [[]];
    return sets.flatMap((set) =>
      paging.map(([name, value]) => {
        const query = new URLSearchParams();
        for (const [key = '', one = ''] of [...needed, ...set]) query.set(key, one);
        if (name !== undefined && value !== undefined) query.set(name, value);
        return query;
      }),
    );
  }

  async function wholeReads(): Promise<string | null> {
    for (const { sql, values } of asked.splice(0)) {
      if (!/^\s*(select|with)\b/i.test(sql)) continue;
      const { rows } = await client.query({ text: `explain ${sql}`, values: [...values] });
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      if (/Seq Scan on (sessions|audit)\b/.test(plan)) return `${sql}\n${plan}`;
    }
    return null;
  }

  test('no list reads a large table from end to end, whatever is asked', async () => {
    const all = await servedOperations(stage);
    const lists = all.filter(
      ({ method, path, operation }) =>
        method === 'GET' &&
        !path.includes('{') &&
        (['/v1/sessions/stats', '/v1/counters'].includes(path) ||
          operation.parameters?.some(({ name }) => name === 'limit')),
    );
    expect(lists.length).toBeGreaterThan(10);
    const whole: string[] = [];
    let tried = 0;
    for (const list of lists) {
      for (const query of queriesOf(list)) {
        asked.splice(0);
        const url = `${list.path}?${query}`;
        const { status, body } = await call(stage, 'GET', url, { token: admin });
        expect(status, `${url} ${JSON.stringify(body)}`).toBe(200);
        tried += 1;
        const found = await wholeReads();
        if (found !== null) whole.push(`${url}:\n${found}`);
      }
    }
    expect(tried).toBeGreaterThan(200);
    expect(whole).toEqual([]);
  });
});
