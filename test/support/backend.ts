import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';
import { inject } from 'vitest';
import { environment } from './environment.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of the end-to-end projects (vitest.config.ts). */
    backend: 'embedded' | 'postgres';
    pgUrl: string | null;
    redisUrl: string | null;
  }
}

/** What one bastion stands on: settings for it, and the end of what was made for it. */
export interface Backend extends AsyncDisposable {
  readonly settings: Readonly<Record<string, string>>;
}

/** Redis has sixteen databases; each of at most three workers has five of them, for its bastions in turn. */
const OF_WORKER = 5;
const firstDatabase = 1 + ((Number(environment.get('VITEST_POOL_ID') ?? 1) - 1) % 3) * OF_WORKER;
let bastions = 0;

async function freshRedis(server: string): Promise<string> {
  const url = new URL(`/${firstDatabase + (bastions++ % OF_WORKER)}`, server).href;
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    await redis.flushdb();
  } finally {
    redis.disconnect();
  }
  return url;
}

async function statement(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Nothing for the embedded one; else a fresh database on the run's PostgreSQL, and its Redis. */
export async function freshBackend(): Promise<Backend> {
  const [server, redis] = [inject('pgUrl') ?? null, inject('redisUrl') ?? null];
  if (inject('backend') !== 'postgres' || server === null) {
    return { settings: {}, [Symbol.asyncDispose]: async () => undefined };
  }
  const name = `e2e_${randomBytes(6).toString('hex')}`;
  await statement(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    settings: {
      DATABASE_URL: url.href,
      ...(redis === null ? {} : { REDIS_URL: await freshRedis(redis) }),
    },
    [Symbol.asyncDispose]: () => statement(server, `drop database if exists ${name} with (force)`),
  };
}
