import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openStore } from '../../src/store/database.ts';
import { place } from '../support/database.ts';
import { environment } from '../support/environment.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { type Service, startPostgres } from '../support/services.ts';
import { user } from './examples.ts';
import { SECRET_KEY, silent } from './options.ts';

const options = (databaseUrl: string) => ({
  databaseUrl,
  dataDir: '/nonexistent',
  secretKey: SECRET_KEY,
  migrate: true,
  log: silent,
});

const given = environment.has('POSTERN_TEST_PG_URL') ? { describe } : needs('postgres');

given.describe('a PostgreSQL server', () => {
  test('is named with its version', async () => {
    await using where = await place('postgres');
    const store = await openStore(options(where.databaseUrl ?? ''));
    expect(store.description).toMatch(/^PostgreSQL \d+\.\d+$/);
    expect(await store.healthy()).toBe(true);
    await store.close();
    expect(await store.healthy()).toBe(false);
  });

  test('a transaction whose connection is cut leaves nothing, and the next one works', async () => {
    await using where = await place('postgres');
    const store = await openStore(options(where.databaseUrl ?? ''));
    const cut = store.transaction(async ({ users }) => {
      await users.create(user({ name: 'half' }));
      await cutAll(where.databaseUrl ?? '');
      await users.create(user({ name: 'other-half' }));
    });
    await expect(cut).rejects.toMatchObject({ code: 'store.down' });
    expect(await store.users.getByName('half')).toBeNull();
    await store.transaction(({ users }) => users.create(user({ name: 'whole' })));
    expect(await store.users.getByName('whole')).not.toBeNull();
    await store.close();
  });

  test('a database that is not there is named', async () => {
    const url = new URL(inject('pgUrl') ?? '');
    url.pathname = '/no_such_database';
    await expect(openStore(options(url.href))).rejects.toMatchObject({
      code: 'store.unreachable',
      message: expect.stringMatching(/^DATABASE_URL: .*no_such_database/),
    });
  });
});

needs('postgres').describe('a PostgreSQL server of our own', () => {
  let files: Scratch;
  let server: Service | null;
  beforeAll(async () => {
    files = scratch();
    server = await startPostgres(files.path);
  });
  afterAll(async () => {
    await server?.stop();
    files[Symbol.dispose]();
  });

  test('restarted in the middle: store.down while it is away, then everything goes on', async () => {
    const url = server?.url ?? '';
    const store = await openStore(options(url));
    await store.users.create(user({ name: 'before' }));
    await server?.stop('SIGINT');
    await expect(store.users.getByName('before')).rejects.toMatchObject({ code: 'store.down' });
    await expect(
      store.transaction(({ users }) => users.create(user({ name: 'meanwhile' }))),
    ).rejects.toMatchObject({ code: 'store.down' });
    expect(await store.healthy()).toBe(false);
    server = await startPostgres(files.path, Number(new URL(url).port));
    await eventually('the store to be well again', () => store.healthy());
    expect(await store.users.getByName('before')).not.toBeNull();
    expect(await store.users.getByName('meanwhile')).toBeNull();
    await store.close();
  });

  test('a wrong password is told without the password', async () => {
    const url = new URL(server?.url ?? '');
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    await client.query(`create role guarded login password 'the-right-one'`);
    const rules = join(files.path, 'pg', 'pg_hba.conf');
    const old = readFileSync(rules, 'utf8');
    writeFileSync(rules, `host all guarded 127.0.0.1/32 scram-sha-256\n${old}`);
    await client.query('select pg_reload_conf()');
    url.username = 'guarded';
    url.password = 'the-wrong-one';
    const refusal = await eventually('the new rule', async () => {
      const error: Error | null = await openStore(options(url.href)).then(
        async (store) => {
          await store.close();
          return null;
        },
        (thrown: Error) => thrown,
      );
      return error?.message.includes('password authentication failed') ? error : null;
    });
    await client.end();
    expect(refusal).toMatchObject({ code: 'store.unreachable' });
    expect(refusal.message).toContain('DATABASE_URL: cannot use postgres://guarded@127.0.0.1:');
    expect(refusal.message).not.toContain('the-wrong-one');
  });
});

describe('a DATABASE_URL that leads nowhere', () => {
  test.each(['', 'nonsense', 'mysql://root:pw@localhost/x', 'http://localhost'])(
    '%j is no PostgreSQL URL',
    async (url) => {
      const error: Error = await openStore(options(url)).then(
        () => new Error('opened'),
        (thrown: Error) => thrown,
      );
      expect(error).toMatchObject({ code: 'store.url' });
      expect(error.message).toContain('DATABASE_URL');
      expect(error.message).not.toContain('root:pw');
    },
  );

  test('a PostgreSQL that is too old is named with its version', async () => {
    await using server = await oldServer();
    const { port } = server.address() as AddressInfo;
    await expect(openStore(options(`postgres://u:pw@127.0.0.1:${port}/db`))).rejects.toMatchObject({
      code: 'store.version',
      message: `DATABASE_URL: PostgreSQL 13 or newer is needed, and postgres://u@127.0.0.1:${port}/db is PostgreSQL 12.22`,
    });
  });

  test('nobody listens there: named, without the password', async () => {
    const error: Error = await openStore(options('postgres://u:s3cretpw@127.0.0.1:1/db?x=1')).then(
      () => new Error('opened'),
      (thrown: Error) => thrown,
    );
    expect(error.message).toContain('DATABASE_URL: cannot use postgres://u@127.0.0.1:1/db: ');
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.message).not.toContain('s3cretpw');
  });
});

/** A server that says it is PostgreSQL 12.22 to whatever it is asked, in the wire protocol. */
async function oldServer(): Promise<Server> {
  const message = (type: string, ...parts: readonly (string | number[])[]): Buffer => {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeUInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const column = (name: string): string => `${name}\0${'\0'.repeat(9)}\x19\0\0\0\0\0\0\0\0`;
  const ready = message('Z', 'I');
  const answer = Buffer.concat([
    message('T', [0, 2], column('number'), column('version')),
    message('D', [0, 2], [0, 0, 0, 6], '120022', [0, 0, 0, 5], '12.22'),
    message('C', 'SELECT 1\0'),
    ready,
  ]);
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', [0, 0, 0, 0]), ready]));
      socket.on('data', (asked) => (asked[0] === 0x51 ? socket.write(answer) : socket.end()));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function cutAll(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`);
  await client.end();
}
