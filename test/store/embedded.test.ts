import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/database.ts';
import { openEmbedded } from '../../src/store/embedded.ts';
import { plainEnvironment } from '../support/environment.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { user } from './examples.ts';
import { SECRET_KEY, silent } from './options.ts';

const LARGE = sql`select count(*) from generate_series(1, 4000000000)`;

/** In order: each test goes on with the directory that the one before left. */
describe('the embedded database', { timeout: 60_000 }, () => {
  let files: Scratch;
  beforeAll(() => {
    files = scratch();
  });
  afterAll(() => files[Symbol.dispose]());

  const options = () => ({
    databaseUrl: null,
    dataDir: files.path,
    secretKey: SECRET_KEY,
    migrate: true,
    log: silent,
  });

  test('a process killed while it writes has lost nothing that was stored', async () => {
    const child = spawn(
      process.execPath,
      [new URL('./writer.ts', import.meta.url).pathname, files.path],
      { env: plainEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let stored = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      stored = Number(line);
      if (stored === 40) {
        const refused = openStore(options());
        await expect(refused).rejects.toMatchObject({
          code: 'store.in_use',
          message: `the data directory ${files.join('pglite')} is in use by another postern`,
        });
      }
      if (stored >= 80) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');

    const store = await openStore(options());
    const { total, rows } = await store.audit.list({}, { limit: 1, page: 1 });
    await store.close();
    // Whole transactions of two, at least those that were told of.
    expect((total ?? 0) % 2).toBe(0);
    expect(total).toBeGreaterThanOrEqual(stored * 2);
    expect(rows[0]).toMatchObject({ machineId: 2, userId: (total ?? 0) / 2 });
  });

  test('one store at a time has a directory; the next finds what the last one left', async () => {
    const first = await openStore(options());
    expect(first.description).toMatch(/^embedded PGlite \(PostgreSQL 18\.\d+\)$/);
    const ada = await first.users.create(user({ name: 'ada' }));
    await expect(openStore(options())).rejects.toMatchObject({ code: 'store.in_use' });
    expect(await first.healthy()).toBe(true);
    await first.close();
    await first.close();
    await expect(first.users.get(ada.id)).rejects.toThrow();
    expect(await first.healthy()).toBe(false);

    const second = await openStore(options());
    expect(await second.users.get(ada.id)).toEqual(ada);
    await second.close();
  });

  test('a query beyond its deadline is ended, and the next one is answered', async () => {
    const errors: string[] = [];
    const log = { ...silent, error: (message: string) => errors.push(message) };
    const { db, close } = await openEmbedded(files.join('pglite'), log, { queryMs: 500 });
    try {
      await expect(LARGE.execute(db)).rejects.toMatchObject({ code: 'store.down' });
      expect(errors).toEqual(['embedded database restarts']);
      const lost = db.transaction().execute(async (trx) => {
        await sql`create table half_done (a int)`.execute(trx);
        await LARGE.execute(trx);
      });
      await expect(lost).rejects.toMatchObject({ code: 'store.down' });
      const { rows } = await sql`select to_regclass('half_done') as found`.execute(db);
      expect(rows).toEqual([{ found: null }]);
      expect(await db.selectFrom('users').select('name').execute()).toEqual([{ name: 'ada' }]);
    } finally {
      await close();
    }
  });

  test('a transaction that does not end is ended, and the next query has its turn', async () => {
    const { db, close } = await openEmbedded(files.join('pglite'), silent, { queryMs: 1000 });
    const { promise: never, resolve } = Promise.withResolvers<void>();
    const forgotten = db.transaction().execute(async (trx) => {
      await sql`create table half_done (a int)`.execute(trx);
      await never;
    });
    const ended = expect(forgotten).rejects.toMatchObject({ code: 'store.down' });
    const rows = await db.selectFrom('users').select('name').execute();
    expect(rows).toEqual([{ name: 'ada' }]);
    resolve();
    await ended;
    const found = await sql`select to_regclass('half_done') as found`.execute(db);
    expect(found.rows).toEqual([{ found: null }]);
    await close();
  });

  test('the thread that carries bytes is not held up by a query', async () => {
    const { db, close } = await openEmbedded(files.join('pglite'), silent, { queryMs: 20_000 });
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const begun = performance.now();
    await sql`select count(*) from generate_series(1, 3000000) i where i % 7 = 0`.execute(db);
    const took = performance.now() - begun;
    clearInterval(timer);
    await close();
    expect(took).toBeGreaterThan(100);
    expect(longest).toBeLessThan(took / 2);
  });

  test('a directory of another PostgreSQL is refused, not touched', async () => {
    const file = files.join('pglite', 'PG_VERSION');
    const version = readFileSync(file, 'utf8');
    writeFileSync(file, '17\n');
    await expect(openStore(options())).rejects.toMatchObject({
      code: 'store.embedded',
      message: expect.stringContaining('made by PostgreSQL 17'),
    });
    writeFileSync(file, version);
    await (await openStore(options())).close();
  });

  test('a directory that cannot be made is named', async () => {
    using other = scratch();
    writeFileSync(other.join('file'), '');
    const opening = openStore({ ...options(), dataDir: other.join('file') });
    await expect(opening).rejects.toMatchObject({
      code: 'store.data_dir',
      message: expect.stringContaining(other.join('file')),
    });
  });
});
