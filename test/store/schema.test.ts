import { readdirSync } from 'node:fs';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../src/store/connect.ts';
import { openStore } from '../../src/store/database.ts';
import { MIGRATIONS, migrate, migrationStatus } from '../../src/store/migrate.ts';
import { onBothDatabases, type Place, place } from '../support/database.ts';
import { needs } from '../support/requirements.ts';
import { machine, user } from './examples.ts';
import { SECRET_KEY, silent } from './options.ts';

const names = Object.keys(MIGRATIONS);

test('every file of migrations/ is run, and they are numbered without gaps', () => {
  const files = readdirSync(new URL('../../migrations', import.meta.url)).toSorted();
  expect(names.toSorted()).toEqual(files.map((file) => file.replace(/\.ts$/, '')));
  const numbers = files.map((file) => Number(/^(\d{4})-[a-z0-9-]+\.ts$/.exec(file)?.[1]));
  expect(numbers).toEqual(numbers.map((_, i) => i + 1));
});

/** Kept for the comparison below. */
const schemas = new Map<string, unknown>();

/** In order: each test goes on with the database that the one before left. */
onBothDatabases('the schema', (kind) => {
  let where: Place;
  beforeAll(async () => {
    where = await place(kind);
  });
  afterAll(async () => {
    await where[Symbol.asyncDispose]();
  });
  const options = () => ({
    databaseUrl: where.databaseUrl,
    dataDir: where.dataDir,
    secretKey: SECRET_KEY,
    log: silent,
  });

  // Two starts of a new database: seconds where the machine is busy.
  test('a database without its tables is refused where it may not be migrated', {
    timeout: 60_000,
  }, async () => {
    expect(await migrationStatus(options())).toEqual({ applied: [], pending: names });
    await expect(openStore({ ...options(), migrate: false })).rejects.toMatchObject({
      code: 'store.behind',
      message: expect.stringContaining('run: postern migrate'),
    });
  });

  test('is made once, and then left alone', async () => {
    expect(await migrate(options())).toEqual({ applied: names, pending: [] });
    expect(await migrationStatus(options())).toEqual({ applied: names, pending: [] });
    const store = await openStore({ ...options(), migrate: false });
    await store.close();
  });

  test('lets no row in that breaks its rules', async () => {
    const connection = await connect(options());
    const refused = async (statement: string): Promise<void> => {
      const tried = sql.raw(statement).execute(connection.db);
      await expect(tried, statement).rejects.toMatchObject({ code: '23514' });
    };
    await refused(`insert into users (name, role) values ('x', 'root')`);
    await refused(`insert into grants (logins, allow, forward_to, from_networks)
      values ('{}', '{}', '{}', '{}')`);
    await refused(`insert into audit (at, type, detail) values (now(), 'x', '[]')`);
    await refused(`insert into sessions (user_name, machine_name, machine_host, login, kind, node,
      started_at, last_activity, ip_address, user_agent, status)
      values ('a', 'b', 'c', 'd', 'shell', 'n', now(), now(), '', '', 'stopped')`);
    const columns = await sql`select table_name, column_name, data_type, is_nullable,
        column_default, is_identity from information_schema.columns
      where table_schema = 'public' order by 1, 2`.execute(connection.db);
    // PostgreSQL 18 lists "not null" among the constraints.
    const constraints = await sql`select conrelid::regclass::text as on, conname,
        pg_get_constraintdef(oid) as is from pg_constraint
      where connamespace = 'public'::regnamespace and contype <> 'n' order by 1, 2`.execute(
      connection.db,
    );
    const indexes = await sql`select indexname, indexdef from pg_indexes
      where schemaname = 'public' order by 1`.execute(connection.db);
    schemas.set(kind, { c: columns.rows, k: constraints.rows, i: indexes.rows });
    expect(columns.rows.length).toBeGreaterThan(80);
    await connection.close();
  });

  test('all of a transaction or nothing of it', async () => {
    const store = await openStore({ ...options(), migrate: true });
    const failing = store.transaction(async ({ users, groups, machines }) => {
      const ada = await users.create(user({ name: 'ada' }));
      await groups.create('ops', [ada.id]);
      await machines.create(machine({ name: 'web1' }));
      expect((await users.getByName('ada'))?.id).toBe(ada.id);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await store.users.getByName('ada')).toBeNull();
    expect(await store.groups.getByName('ops')).toBeNull();
    const broken = store.transaction(async ({ users }) => {
      await users.create(user({ name: 'eve' }));
      await users.create(user({ name: 'eve' })).catch(() => undefined);
    });
    await expect(broken).rejects.toThrow();
    expect(await store.users.getByName('eve')).toBeNull();
    const kept = await store.transaction(({ users }) => users.create(user({ name: 'ada' })));
    expect(await store.users.getByName('ada')).toEqual(kept);
    await store.close();
  });

  test('a database that a newer version has changed is refused', async () => {
    const connection = await connect(options());
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '')`.execute(
      connection.db,
    );
    await connection.close();
    await expect(openStore({ ...options(), migrate: true })).rejects.toMatchObject({
      code: 'store.schema',
      message: expect.stringContaining('9999-later'),
    });
  });
});

needs('postgres').describe('the schema on both', () => {
  test('is the same', () => {
    expect(schemas.get('embedded')).toBeDefined();
    expect(schemas.get('postgres')).toEqual(schemas.get('embedded'));
  });

  test('nodes that start at once make it once', async () => {
    await using where = await place('postgres');
    const { databaseUrl, dataDir } = where;
    const options = { databaseUrl, dataDir, log: silent };
    const results = await Promise.all([1, 2, 3, 4].map(() => migrate(options)));
    expect(results.flatMap((result) => result.applied)).toEqual(names);
  });
});
