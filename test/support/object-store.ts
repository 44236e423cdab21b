import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { within } from './eventually.ts';
import { type Scratch, scratch } from './scratch.ts';

const SERVER = resolve(import.meta.dirname, 'swift-server.py');

/** The account that the server knows, and no other. */
export const ACCESS_KEY = 'test:tester';
export const SECRET_KEY = 'testing';
const REGION = 'us-east-1';
const BUCKET = 'recordings';

/** Milliseconds. */
const START_DEADLINE = 40_000;

/** A real S3-compatible store (OpenStack Swift), which a test may stop and start again. */
export class ObjectStore implements AsyncDisposable {
  readonly #files: Scratch = scratch();
  readonly #client = new AwsClient({
    ...{ accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY, region: REGION, service: 's3' },
  });
  #server: ChildProcess | null = null;
  #port = 0;

  /** What a bastion is told, of a prefix of its own. */
  settings(prefix: string): Readonly<Record<string, string>> {
    return {
      POSTERN_RECORDINGS: `s3://${BUCKET}/${prefix}?endpoint=${this.endpoint}&region=${REGION}`,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    };
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get bucket(): string {
    return BUCKET;
  }

  /** On the same port, and with the same objects as before. */
  async start(): Promise<void> {
    const server = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', '/usr/bin/python3', SERVER, this.#files.path],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: '/usr/bin:/bin', PYTHONDONTWRITEBYTECODE: '1' },
      },
    );
    this.#server = server;
    let said = '';
    const listens = new Promise<number>((found, fail) => {
      const hear = (chunk: Buffer): void => {
        // It says more than that on each request that fails.
        if (said.length < 20_000) said += chunk.toString();
        const port = /listens on (\d+)/.exec(said)?.[1];
        if (port !== undefined) found(Number(port));
      };
      server.stdout.on('data', hear);
      server.stderr.on('data', hear);
      server.once('error', fail);
      server.once('close', () => fail(new Error(`the object store ended\n${said}`)));
    });
    this.#port = await within('the object store listens', listens, START_DEADLINE);
  }

  /** As a store that is cut off: connections are refused. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((done) => server.once('close', done));
    server.kill('SIGKILL');
    await within('the object store ends', gone);
  }

  async makeBucket(): Promise<void> {
    await this.#ask('PUT', '');
  }

  /** The names of all objects below a prefix. */
  async objects(prefix: string): Promise<readonly string[]> {
    const xml = await this.#ask('GET', `?list-type=2&prefix=${encodeURIComponent(prefix)}`);
    return [...xml.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key ?? '');
  }

  /** The names of objects of which uploads were begun and not ended. */
  async uploads(prefix: string): Promise<readonly string[]> {
    const xml = await this.#ask('GET', `?uploads&prefix=${encodeURIComponent(prefix)}`);
    return [...xml.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key ?? '');
  }

  async get(name: string): Promise<Buffer> {
    return await this.#ask('GET', name);
  }

  /** How often an object was read since the store was started. */
  async reads(name: string): Promise<number> {
    const response = await fetch(`${this.endpoint}/counted/${BUCKET}/${name}`);
    return Number(await response.text());
  }

  async put(name: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#ask('PUT', name, body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#files[Symbol.dispose]();
  }

  async #ask(method: string, path: string, body?: Uint8Array<ArrayBuffer>): Promise<Buffer> {
    const sha256 = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const response = await fetch(
      await this.#client.sign(`${this.endpoint}/${BUCKET}/${path}`, {
        method,
        headers: { 'x-amz-content-sha256': sha256 },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(20_000),
      }),
    );
    const answer = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.toString()}`);
    return answer;
  }
}

/** A store that runs, with a bucket. */
export async function startObjectStore(): Promise<ObjectStore> {
  const store = new ObjectStore();
  try {
    await store.start();
    await store.makeBucket();
    return store;
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}
