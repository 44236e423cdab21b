import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { describe, inject } from 'vitest';
import type { Store } from '../../src/domain/store.ts';
import { openStore, type StoreOptions } from '../../src/store/database.ts';
import { SECRET_KEY, silent } from '../store/options.ts';
import { environment } from './environment.ts';
import { needs } from './requirements.ts';
import { scratch } from './scratch.ts';
import { useTemplate } from './template.ts';

export type DatabaseKind = 'embedded' | 'postgres';

/** The same suite on both databases; on PostgreSQL where there is one (see requirements.ts). */
export function onBothDatabases(what: string, suite: (kind: DatabaseKind) => void): void {
  describe(`${what}, embedded`, () => suite('embedded'));
  const given = environment.has('POSTERN_TEST_PG_URL') ? { describe } : needs('postgres');
  given.describe(`${what}, on PostgreSQL`, () => suite('postgres'));
}

/** A place for a database that nobody else has: a directory, and a database where it is a server. */
export interface Place extends AsyncDisposable {
  /** Null: embedded in `dataDir`. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
}

export async function place(kind: DatabaseKind): Promise<Place> {
  const files = scratch();
  const dataDir = files.path;
  const database = kind === 'postgres' ? await createDatabase() : null;
  return {
    databaseUrl: database?.url ?? null,
    dataDir,
    async [Symbol.asyncDispose]() {
      await database?.drop();
      files[Symbol.dispose]();
    },
  };
}

/** A fresh, private, migrated store; disposing of it leaves nothing behind. */
export interface TestStore extends AsyncDisposable {
  readonly store: Store;
  readonly place: Place;
}

export async function testStore(kind: DatabaseKind): Promise<TestStore> {
  const where = await place(kind);
  if (kind === 'embedded') await useTemplate(where.dataDir);
  const store = await openStore(optionsFor(where));
  return {
    store,
    place: where,
    async [Symbol.asyncDispose]() {
      await store.close();
      await where[Symbol.asyncDispose]();
    },
  };
}

function optionsFor({
  databaseUrl,
  dataDir,
}: Pick<Place, 'databaseUrl' | 'dataDir'>): StoreOptions {
  return { databaseUrl, dataDir, secretKey: SECRET_KEY, migrate: true, log: silent };
}

async function createDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const server = inject('pgUrl');
  if (server === null) throw new Error('no PostgreSQL here');
  const name = `postern_${randomBytes(6).toString('hex')}`;
  await once(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => once(server, `drop database if exists ${name}`) };
}

async function once(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
