import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TranscriptBlock } from '../../src/domain/analysis.ts';
import type { Found, SearchFilter } from '../../src/domain/search.ts';
import { SqlAnalysisStore } from '../../src/store/analyses.ts';
import { connect } from '../../src/store/connect.ts';
import type { Connection } from '../../src/store/connection.ts';
import { SqlSearchStore } from '../../src/store/search.ts';
import { SqlSessionStore } from '../../src/store/sessions.ts';
import { onBothDatabases, type TestStore, testStore } from '../support/database.ts';
import { machine, session, user } from './examples.ts';
import { silent } from './options.ts';

const BEGAN = new Date('2026-03-01T10:00:00.000Z');

/** So that all but the newest text is looked up. */
const SIZES = { first: 1, window: 50, sheets: 100, loose: 200 };

function block(index: number, text: string): TranscriptBlock {
  const from = index * 10;
  return { channel: 1, index, from, to: from + 1, text, stream: 'terminal', kind: 'output' };
}

onBothDatabases('sheets of texts', (kind) => {
  let opened: TestStore;
  let connection: Connection;
  let who: { readonly userId: number; readonly machineId: number };

  beforeAll(async () => {
    opened = await testStore(kind);
    const userId = (await opened.store.users.create(user({ name: 'ada' }))).id;
    const machineId = (await opened.store.machines.create(machine({ name: 'web1' }))).id;
    who = { userId, machineId };
    await opened.store.close();
    connection = await connect({ ...opened.place, log: silent });
  });
  afterAll(async () => {
    await connection.close();
    await opened[Symbol.asyncDispose]();
  });

  // What a test that is tried again finds of its first try is not its own.
  let turn = 0;
  beforeEach(() => {
    turn += 1;
  });
  const own = (word: string) => `${word}q${turn}q`;

  async function recording(): Promise<number> {
    const sessions = new SqlSessionStore(connection.db);
    const { id } = await sessions.create(session({ ...who, startedAt: BEGAN }));
    const key = `sess_${id}`;
    await sessions.openRecording({ sessionId: id, channel: 1, key, startedAt: BEGAN });
    const made = (await sessions.recordings(id))[0]?.id ?? 0;
    await new SqlAnalysisStore(connection.db, true).begin(made, 1);
    return made;
  }

  async function shows(id: number, ...blocks: readonly TranscriptBlock[]): Promise<void> {
    await new SqlAnalysisStore(connection.db, true).write(id, { commands: [], blocks });
  }

  async function texts(word: string, filter: Omit<SearchFilter, 'words'> = {}) {
    const search = new SqlSearchStore(connection.db, SIZES);
    const shown = (one: Found) => one;
    const page = await search.find(
      { words: [word], ...filter },
      { limit: 100, after: null, shown },
    );
    expect(page.next).toBeNull();
    return page.hits.map(({ text }) => text);
  }

  async function count(table: 'search_sheets' | 'search_loose', id: number): Promise<number> {
    const { rows } = await sql<{ readonly count: number }>`
      select count(*) from ${sql.table(table)} where recording_id = ${id}`.execute(connection.db);
    return rows[0]?.count ?? 0;
  }

  test('are made while a recording goes on, and of the rest when it is over', async () => {
    const id = await recording();
    for (let n = 0; n < 100; n += 1) await shows(id, block(n, own(`piece ${n} growing${n % 50}`)));
    const sheets = await count('search_sheets', id);
    expect(sheets).toBeGreaterThan(0);
    expect(sheets).toBeLessThan(20);
    expect(await count('search_loose', id)).toBe(1);
    const found = [own('piece 99 growing49'), own('piece 49 growing49')];
    expect(await texts(own('growing49'))).toEqual(found);
    expect(await texts(own('growing49'), { onlyOf: who.userId })).toEqual(found);
    await new SqlAnalysisStore(connection.db, true).end(id, null);
    expect(await count('search_loose', id)).toBe(0);
    expect(await texts(own('growing49'), { onlyOf: who.userId })).toEqual(found);
  });

  test('are not made where they are not wanted, and everything is found without', async () => {
    const id = await recording();
    const loose = new SqlAnalysisStore(connection.db, false);
    const blocks = Array.from({ length: 300 }, (_, n) =>
      block(n, own(`loose${n % 100} piece ${n}`)),
    );
    await loose.write(id, { commands: [], blocks });
    await loose.end(id, null);
    expect(await loose.gather()).toBe(false);
    expect(await count('search_sheets', id)).toBe(0);
    const found = [own('loose42 piece 242'), own('loose42 piece 142'), own('loose42 piece 42')];
    expect(await texts(own('loose42 piece'))).toEqual([]);
    expect(await texts('loose42 piece')).toEqual(found);
    expect(await texts('loose42 piece', { onlyOf: who.userId })).toEqual(found);
  });

  test('have what became of a text that was on one already', async () => {
    const id = await recording();
    const blocks = Array.from({ length: 80 }, (_, n) => block(n, own(`first${n}`)));
    await shows(id, ...blocks);
    await shows(id, block(3, own('another3')), block(70, own('another70')));
    expect(await texts(own('another3'))).toEqual([own('another3')]);
    expect(await texts(own('another70'))).toEqual([own('another70')]);
    expect(await texts(own('first3'))).toEqual([]);
    expect(await texts(own('first4'))).toEqual([own('first4')]);
  });

  test('are made anew with what is read again', async () => {
    const id = await recording();
    const analyses = new SqlAnalysisStore(connection.db, true);
    const all = (word: string) =>
      Array.from({ length: 40 }, (_, n) => block(n, own(`${word}${n}`)));
    await shows(id, ...all('olderword'));
    await analyses.end(id, null);
    // Without `begin`, as if it were not over.
    await shows(id, block(40, own('olderword40')));
    expect(await texts(own('olderword40'))).toEqual([own('olderword40')]);
    expect(await texts(own('olderword7'))).toEqual([own('olderword7')]);
    await analyses.begin(id, 1);
    expect(await count('search_sheets', id)).toBe(0);
    await shows(id, ...all('newerword'));
    expect(await texts(own('olderword7'))).toEqual([]);
    expect(await texts(own('newerword7'))).toEqual([own('newerword7')]);
  });

  test('are made of what was there before them, while everything is found', async () => {
    const analyses = new SqlAnalysisStore(connection.db, true);
    const ids: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const id = await recording();
      await shows(
        id,
        ...Array.from({ length: 150 }, (_, at) => block(at, own(`before${n}them${at}x`))),
      );
      await analyses.end(id, null);
      ids.push(id);
    }
    // As the migration leaves them.
    await sql`delete from search_sheets where recording_id = any(${ids}::bigint[])`.execute(
      connection.db,
    );
    await sql`insert into search_loose (recording_id, session_id, user_id)
      select id, session_id, ${who.userId} from recordings where id = any(${ids}::bigint[])`.execute(
      connection.db,
    );
    const found = [own('before1them7x')];
    expect(await texts(own('before1them7x'))).toEqual(found);
    expect(await texts(own('before1them7x'), { onlyOf: who.userId })).toEqual(found);
    expect(await analyses.gather()).toBe(true);
    while (await analyses.gather()) expect(await texts(own('before1them7x'))).toEqual(found);
    for (const id of ids) expect(await count('search_loose', id)).toBe(0);
    expect(await texts(own('before1them7x'), { onlyOf: who.userId })).toEqual(found);
    expect(await texts(own('before2them149x'))).toEqual([own('before2them149x')]);
  });
});
