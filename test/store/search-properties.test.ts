import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AnalysisChanges, Command, TranscriptBlock } from '../../src/domain/analysis.ts';
import {
  type Found,
  fold,
  matches,
  type SearchFilter,
  type SearchKind,
  type SearchPlace,
} from '../../src/domain/search.ts';
import type { Store } from '../../src/domain/store.ts';
import { SqlAnalysisStore } from '../../src/store/analyses.ts';
import { connect } from '../../src/store/connect.ts';
import type { Connection } from '../../src/store/connection.ts';
import { SqlSearchStore } from '../../src/store/search.ts';
import { SqlSessionStore } from '../../src/store/sessions.ts';
import type { Db } from '../../src/store/tables.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { Asked } from './asked.ts';
import { machine, session, user } from './examples.ts';
import { silent } from './options.ts';

/** Just before spans of every size end. */
const BEGAN = 2 ** 24 * 106_000 - 400;
/** Small, so that few texts go all the ways. */
const SIZES = { first: 4, window: 7, sheets: 3, loose: 50 };
const WORDS = ['nginx', 'ÄRGER', 'fox jumps', '100%_x', 'ab', '日本語', 'restart', 'jump'];
/** Seconds between sessions: some are at the same moment, some years apart. */
const STEPS = [0, 60, 3600, 86_400, 10_000_000, 200_000_000];
/** Indexes that lead to what is one user's, or one recording's that is known to be. */
const OF_ONE = /_searched_user$|_pkey$|_number_key$|^search_sheets_keys$|^search_loose_user$/;
const USERS = ['ada', 'bob', 'cleo'];
const MACHINES = ['web1', 'db1'];

/** Numbers that are the same each time: mulberry32. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Some at once, some piece by piece, of which some were others first; some are not over. */
async function write(
  store: Pick<Store, 'analyses'>,
  recording: number,
  { commands, blocks }: AnalysisChanges,
  next: (below: number) => number,
): Promise<void> {
  const { analyses } = store;
  await analyses.begin(recording, 1);
  if (next(2) === 0) {
    await analyses.write(recording, { commands, blocks });
  } else {
    for (const block of blocks) {
      if (next(3) === 0) {
        await analyses.write(recording, { commands: [], blocks: [{ ...block, text: 'nginx' }] });
      }
      await analyses.write(recording, { commands: [], blocks: [block] });
    }
    await analyses.write(recording, { commands, blocks: blocks.slice(0, 1) });
  }
  if (next(3) > 0) await analyses.end(recording, null);
}

async function fill(store: Store): Promise<void> {
  const next = numbers(7);
  const ids = new Map<string, number>();
  for (const name of USERS) ids.set(name, (await store.users.create(user({ name }))).id);
  for (const name of MACHINES) ids.set(name, (await store.machines.create(machine({ name }))).id);
  for (let n = 0; n < 40; n += 1) {
    const [userName = '', machineName = ''] = [USERS[next(5) % 3], MACHINES[next(2)]];
    const startedAt = new Date(BEGAN + (STEPS[next(STEPS.length)] ?? 0) * 1000 * next(4));
    const who = { userId: ids.get(userName) ?? 0, machineId: ids.get(machineName) ?? 0 };
    await show(store, { ...who, userName, machineName, startedAt }, next);
  }
}

/** A session with commands and output, as if by chance. */
async function show(
  store: Pick<Store, 'sessions' | 'analyses'>,
  of: Parameters<typeof session>[0] & { readonly startedAt: Date },
  next: (below: number) => number,
): Promise<void> {
  const text = () => Array.from({ length: 1 + next(3) }, () => WORDS[next(WORDS.length)]).join(' ');
  const { id } = await store.sessions.create(session(of));
  const { startedAt } = of;
  const key = `sess_${id}`;
  await store.sessions.openRecording({ sessionId: id, channel: 1, key, startedAt });
  const recording = (await store.sessions.recordings(id))[0]?.id ?? 0;
  const commands = Array.from(
    { length: next(3) },
    (_, index): Command => ({
      ...{ channel: 1, index, start: index * 3, end: index * 3 + 1, text: text() },
      ...{ exitStatus: 0, cwd: null, source: 'osc133', confidence: 'exact' },
    }),
  );
  const blocks = Array.from(
    { length: next(8) },
    (_, index): TranscriptBlock => ({
      ...{ channel: 1, index, from: index * 3, to: index * 3 + 1, text: text() },
      ...{ stream: 'terminal', kind: next(6) === 0 ? 'prompt' : 'output' },
    }),
  );
  await write(store, recording, { commands, blocks }, next);
}

interface Row {
  readonly kind: SearchKind;
  readonly id: number;
  readonly at: Date;
  readonly body: string;
  readonly session_id: number;
  readonly user_id: number;
  readonly machine_id: number;
}

/** Everything that is searched, newest first, without any of what search uses. */
async function everything(db: Db): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    select texts.kind, texts.id, at, body, session_id, sessions.user_id, sessions.machine_id from (
      select 'command' as kind, id, at, body, session_id from commands
      union all
      select 'output', id, at, body, session_id from transcript_blocks where kind <> 'prompt') as texts
    join sessions on sessions.id = session_id order by at desc, texts.kind desc, texts.id desc`.execute(
    db,
  );
  return rows;
}

function isAskedFor(row: Row, filter: SearchFilter): boolean {
  const { kind, userId, machineId, sessionId, onlyOf, from, to } = filter;
  return (
    (kind === undefined || row.kind === kind) &&
    (userId === undefined || row.user_id === userId) &&
    (onlyOf === undefined || row.user_id === onlyOf) &&
    (machineId === undefined || row.machine_id === machineId) &&
    (sessionId === undefined || row.session_id === sessionId) &&
    (from === undefined || row.at >= from) &&
    (to === undefined || row.at < to) &&
    matches(row.body, filter.words)
  );
}

const moment = fc.integer({ min: -10, max: 700_000_000 }).map((s) => new Date(BEGAN + s * 1000));

const filters: fc.Arbitrary<SearchFilter> = fc.record(
  {
    words: fc.uniqueArray(fc.constantFrom(...WORDS.map(fold), 'jumps', 'gin', 'absent', 'x'), {
      minLength: 1,
      maxLength: 2,
    }),
    kind: fc.constantFrom('command', 'output'),
    userId: fc.integer({ min: 1, max: 4 }),
    onlyOf: fc.integer({ min: 1, max: 4 }),
    machineId: fc.integer({ min: 1, max: 3 }),
    sessionId: fc.integer({ min: 1, max: 42 }),
    from: moment,
    to: moment,
  },
  { requiredKeys: ['words'] },
);

onBothDatabases('search, over everything', (kind) => {
  let opened: TestStore;
  let connection: Connection;
  let rows: readonly Row[];

  beforeAll(async () => {
    opened = await testStore(kind);
    await fill(opened.store);
    await opened.store.close();
    connection = await connect({ ...opened.place, log: silent });
  });
  beforeEach(async () => {
    rows = await everything(connection.db);
  });
  afterAll(async () => {
    await connection.close();
    await opened[Symbol.asyncDispose]();
  });

  async function found(db: Db, filter: SearchFilter, limit: number): Promise<readonly string[]> {
    const search = new SqlSearchStore(db, SIZES);
    const hits: SearchPlace[] = [];
    let after: SearchPlace | null = null;
    do {
      const shown = (one: Found) => one;
      const page: Awaited<ReturnType<typeof search.find>> = await search.find(filter, {
        ...{ limit, after, shown },
      });
      expect(page.hits.length).toBeLessThanOrEqual(limit);
      hits.push(...page.hits);
      after = page.next;
    } while (after !== null);
    return hits.map((one) => `${one.kind} ${one.id}`);
  }

  test('whatever is asked for, all of it is found, once, newest first, page by page', async () => {
    await fc.assert(
      fc.asyncProperty(filters, fc.integer({ min: 1, max: 9 }), async (filter, limit) => {
        const expected = rows.filter((row) => isAskedFor(row, filter));
        expect(await found(connection.db, filter, limit)).toEqual(
          expected.map((row) => `${row.kind} ${row.id}`),
        );
      }),
      { numRuns: kind === 'postgres' ? 120 : 40 },
    );
  });

  test('who sees their own alone has nothing else looked at, whatever others hold', async () => {
    const onlyOf = rows[0]?.user_id ?? 0;
    const others = rows.find((row) => row.user_id !== onlyOf)?.session_id;
    await showMore(connection.db, rows.find((row) => row.user_id !== onlyOf)?.user_id ?? 0);
    const { rows: counts } = await sql<{ readonly sheets: number; readonly texts: number }>`
      select (select count(*) from search_sheets where user_id = ${onlyOf})::integer as sheets,
        ((select count(*) from commands where user_id = ${onlyOf})
        + (select count(*) from transcript_blocks where user_id = ${onlyOf}))::integer as texts`.execute(
      connection.db,
    );
    const { sheets = 0, texts = 0 } = counts[0] ?? {};
    // What is read for each of several is told as their average, rounded.
    const most = (index: string) => (index === 'search_sheets_keys' ? sheets : 3 * texts);
    expect((await everything(connection.db)).length).toBeGreaterThan(5 * texts);
    for (const words of [['nginx'], ['absent'], ['restart'], ['fox jumps', 'ärg']]) {
      const asked = new Asked();
      await found(connection.db.withPlugin(asked), { words, onlyOf }, 100);
      const reads = await asked.reads(connection.db);
      // The embedded database has no sheets: texts are read through.
      if (kind === 'postgres') {
        expect(reads.map(({ index }) => index)).toContain('search_sheets_keys');
      }
      for (const { index, rows: read } of reads) {
        expect(index).toMatch(OF_ONE);
        expect(read, index).toBeLessThanOrEqual(most(index));
      }
    }
    const foreign = new Asked();
    const filter = { words: ['nginx'], onlyOf, sessionId: others ?? 0 };
    expect(await found(connection.db.withPlugin(foreign), filter, 100)).toEqual([]);
    expect(await foreign.reads(connection.db)).toEqual([]);
  });
});

/** Another user has more of the same, at the same times. */
async function showMore(db: Db, userId: number): Promise<void> {
  const next = numbers(11);
  const store = { sessions: new SqlSessionStore(db), analyses: new SqlAnalysisStore(db, true) };
  const { id: machineId } = await db
    .selectFrom('machines')
    .select('id')
    .limit(1)
    .executeTakeFirstOrThrow();
  for (let n = 0; n < 60; n += 1) {
    const startedAt = new Date(BEGAN + (STEPS[next(STEPS.length)] ?? 0) * 1000 * next(4));
    await show(store, { userId, machineId, startedAt }, next);
  }
}
