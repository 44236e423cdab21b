import { appendFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Archive, openArchive } from '../../src/archive/archive.ts';
import type { ArchivePlace } from '../../src/domain/archive.ts';
import type { AuditEvent } from '../../src/domain/audit.ts';
import { Secret } from '../../src/domain/secret.ts';
import { openLibrary } from '../../src/recorder/library.ts';
import { listeningLog } from '../recorder/lab.ts';
import { machine, session, user } from '../store/examples.ts';
import { type TestStore, testStore } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ACCESS_KEY, type ObjectStore, SECRET_KEY } from '../support/object-store.ts';
import { type Scratch, scratch } from '../support/scratch.ts';

const STARTED = new Date('2026-11-22T10:20:30Z');
const NODE = 'node-a';

export interface ArchiveLabOptions {
  readonly mostCopies?: number;
  readonly minFree?: number;
  readonly secretKey?: string;
}

/** A node's recordings, made by hand, with a database and a directory of their own, and a real store. */
export class ArchiveLab implements AsyncDisposable {
  readonly log = listeningLog();
  readonly #objects: ObjectStore;
  readonly #prefix: string;
  readonly #files: Scratch = scratch();
  readonly #opened: TestStore;
  readonly #userId: number;
  readonly #machineId: number;
  #archive: Archive | null = null;
  #other: Archive | null = null;

  private constructor(objects: ObjectStore, prefix: string, opened: TestStore, ids: number[]) {
    this.#objects = objects;
    this.#prefix = prefix;
    this.#opened = opened;
    [this.#userId = 0, this.#machineId = 0] = ids;
    mkdirSync(this.root);
  }

  static async open(objects: ObjectStore, prefix: string): Promise<ArchiveLab> {
    const opened = await testStore('embedded');
    const { users, machines } = opened.store;
    const { id } = await users.create(user({ name: 'ada' }));
    const made = await machines.create(machine({ name: 'web1' }));
    return new ArchiveLab(objects, prefix, opened, [id, made.id]);
  }

  get root(): string {
    return this.#files.join('recordings');
  }

  get store(): TestStore['store'] {
    return this.#opened.store;
  }

  get archive(): Archive {
    if (this.#archive === null) throw new Error('the archive does not run');
    return this.#archive;
  }

  place(): ArchivePlace {
    const { bucket, endpoint } = this.#objects;
    return {
      ...{ text: '', bucket, prefix: `${this.#prefix}/`, endpoint },
      ...{ region: 'us-east-1', pathStyle: true },
    };
  }

  /** Begins to send, as at the start of a server. */
  begin(options: ArchiveLabOptions = {}): Archive {
    this.#archive = this.#open(this.root, NODE, options);
    return this.#archive;
  }

  /** As another node on the same database, with a directory of its own. */
  beginOther(): Archive {
    mkdirSync(this.#files.join('other'));
    this.#other = this.#open(this.#files.join('other'), 'node-b', {});
    return this.#other;
  }

  #open(root: string, node: string, options: ArchiveLabOptions): Archive {
    const { mostCopies = 0, minFree = 0, secretKey = SECRET_KEY } = options;
    const key = { accessKey: new Secret(ACCESS_KEY), secretKey: new Secret(secretKey) };
    return openArchive({
      place: this.place(),
      credentials: { ...key, sessionToken: null },
      openAt: openLibrary,
      ...{ root, mostCopies, minFree, store: this.store, node, log: this.log },
    });
  }

  /** As a crash: nothing more is sent. */
  async cut(): Promise<void> {
    await this.#archive?.close(0);
    this.#archive = null;
  }

  /** A recording that is being written, so far. */
  async write(bytes: Uint8Array): Promise<string> {
    const fields = { userId: this.#userId, machineId: this.#machineId, node: NODE };
    const { id } = await this.store.sessions.create(session({ ...fields, startedAt: STARTED }));
    const key = `2026/11/22/sess_${id}-1.cast`;
    mkdirSync(dirname(this.path(key)), { recursive: true });
    writeFileSync(this.path(key), bytes);
    await this.store.sessions.openRecording({ sessionId: id, channel: 1, key, startedAt: STARTED });
    return key;
  }

  append(key: string, bytes: Uint8Array): void {
    appendFileSync(this.path(key), bytes);
  }

  async end(key: string): Promise<void> {
    const { size } = statSync(this.path(key));
    const seal = { part: 1, end: size, hash: 'aa', line: '# seal' };
    const receipt = { key, size, recordedBytes: size, duration: 1, sha256: 'aa', seal };
    await this.store.sessions.closeRecording(idOf(key), 1, 'complete', receipt, new Date());
  }

  /** As an admin does. */
  async delete(key: string, archive = this.archive): Promise<void> {
    const [recording] = await this.store.sessions.recordings(idOf(key));
    await this.store.recordings.remove(recording?.id ?? 0, 'root', new Date());
    await archive.library.remove(key);
  }

  path(key: string): string {
    return join(this.root, key);
  }

  /** The object's name. */
  name(key: string): string {
    return `${this.#prefix}/${key}`;
  }

  /** Waits until the store is proven to have it. */
  async archived(key: string): Promise<void> {
    await eventually(`${key} is in the store`, () => this.store.archive.find(key), 30_000);
  }

  async audited(): Promise<readonly AuditEvent[]> {
    return (await this.store.audit.list({ type: 'recording.not_archived' }, { limit: 10 })).rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
    await this.#other?.close(0);
    await this.#opened[Symbol.asyncDispose]();
    this.#files[Symbol.dispose]();
  }
}

function idOf(key: string): number {
  return Number(/sess_(\d+)-/.exec(key)?.[1]);
}

/** Everything that is read. */
export async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await new Response(stream).arrayBuffer());
}
