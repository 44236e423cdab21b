import { mkdtemp, type open, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchivedFile, ArchiveStore } from '../domain/archive.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Bucket } from './bucket.ts';
import { download, readerError } from './download.ts';
import { Lanes } from './lanes.ts';
import { Spool } from './spool.ts';

/** Milliseconds in which what was asked for stays: who asks opens it more than once. */
const LEASE_MS = 10_000;

/** Milliseconds between two looks at what may go, and at what was deleted elsewhere. */
const TIDY_MS = 5000;
const RECONCILE_MS = 10 * 60_000;

/** Recordings that are fetched at once. */
const FETCHES = 2;

/** Files that are kept here although the store has them, whatever their size. */
const MOST_COPIES = 20_000;

/** Keys that are looked up at a time. */
const BATCH = 1000;

export interface LocalCopiesOptions {
  readonly bucket: Bucket;
  readonly spool: Spool;
  readonly archive: Pick<ArchiveStore, 'find' | 'known'>;
  /** Bytes of files here that the store has too. */
  readonly most: number;
  /** Bytes that have to be free for recordings to come. */
  readonly least: number;
  readonly log: Logger;
}

/**
 * The files here of recordings that the store has: brought back when somebody reads them, and removed,
 * the longest unused first, when they are too many or room is short.
 */
export class LocalCopies {
  readonly #options: LocalCopiesOptions;
  /** Bytes, by key; the longest unused first. */
  readonly #copies = new Map<string, number>();
  readonly #leases = new Map<string, number>();
  readonly #fetching = new Map<string, Promise<void>>();
  readonly #lanes = new Lanes(FETCHES);
  #bytes = 0;
  #reconciledAt = performance.now();
  #timer: NodeJS.Timeout | null = null;
  #tidying: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: LocalCopiesOptions) {
    this.#options = options;
  }

  /** Finds out what lies here, and keeps it in bounds, until `close`. */
  begin(): void {
    this.#tidying = this.#quietly(() => this.#learn());
    this.#timer = setInterval(() => {
      this.#tidying = this.#tidying.then(() => this.#quietly(() => this.#tidy()));
    }, TIDY_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await Promise.allSettled([this.#tidying, ...this.#fetching.values()]);
  }

  /**
   * Resolves when the file is here, or neither here nor in the store. Rejects with `recording.away`,
   * `recording.missing`, `recording.altered`, `recording.no_room_here`, and `store.down`.
   */
  async bring(key: string): Promise<void> {
    this.#leases.set(key, performance.now() + LEASE_MS);
    if ((await this.#options.spool.bytesOf(key)) !== null) {
      this.#touch(key);
      return;
    }
    // All who ask meanwhile wait for the same.
    const fetching = this.#fetching.get(key) ?? this.#begin(key);
    await fetching;
  }

  /** One that the store has now, and that is here. */
  add(key: string, bytes: number): void {
    this.forget(key);
    this.#copies.set(key, bytes);
    this.#bytes += bytes;
    this.#tidying = this.#tidying.then(() => this.#quietly(() => this.#evict()));
  }

  /** It is not here any more. */
  forget(key: string): void {
    this.#bytes -= this.#copies.get(key) ?? 0;
    this.#copies.delete(key);
  }

  /** Settles when what is fetched of it is here, or not to come. */
  async settled(key: string): Promise<void> {
    await this.#fetching.get(key)?.catch(() => undefined);
  }

  /**
   * What the store has in place of a recording, below a directory of its own that is removed afterwards;
   * at most as many bytes as there were. Null: it is not noted.
   */
  async examine<T>(key: string, use: (root: string) => Promise<T>): Promise<T | null> {
    const { archive, spool } = this.#options;
    const noted = await archive.find(key);
    if (noted === null) return null;
    const root = await mkdtemp(join(spool.root, '.examined-'));
    try {
      const { handle, path } = await new Spool(root).openIncoming(key);
      try {
        await this.#lanes.run(() => this.#download(key, noted, handle));
      } finally {
        await handle.close();
      }
      await rename(path, join(root, key));
      return await use(root);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  }

  #begin(key: string): Promise<void> {
    const fetching = this.#lanes
      .run(() => this.#fetch(key))
      .finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetching);
    return fetching;
  }

  async #fetch(key: string): Promise<void> {
    const { spool, archive } = this.#options;
    if (this.#isClosed || (await spool.bytesOf(key)) !== null) return;
    const noted = await archive.find(key);
    if (noted === null) return;
    await this.#makeRoom(key, noted.bytes);
    const { handle, path } = await spool.openIncoming(key);
    try {
      const came = await this.#download(key, noted, handle);
      if (came === 'altered') throw new PosternError('recording.altered', { id: idOf(key) });
      await handle.datasync();
    } catch (thrown) {
      await handle.close();
      await rm(path, { force: true });
      throw thrown;
    }
    await handle.close();
    await utimes(path, noted.modifiedAt, noted.modifiedAt);
    // It may have been deleted while it was on its way.
    if ((await archive.find(key)) === null) return await rm(path, { force: true });
    await rename(path, spool.path(key));
    this.add(key, noted.bytes);
  }

  async #download(key: string, noted: ArchivedFile, to: Awaited<ReturnType<typeof open>>) {
    try {
      return await download(this.#options.bucket, key, noted, to);
    } catch (thrown) {
      this.#options.log.warn('a recording could not be fetched', { key, reason: reasonOf(thrown) });
      throw readerError(thrown, idOf(key));
    }
  }

  async #makeRoom(key: string, bytes: number): Promise<void> {
    const { spool, least, most } = this.#options;
    await this.#evict(Math.max(0, most - bytes));
    const isShort = async (): Promise<boolean> => (await spool.free()) < least + bytes;
    if (!(await isShort())) return;
    await this.#evict(0);
    if (await isShort()) throw new PosternError('recording.no_room_here', { id: idOf(key) });
  }

  #touch(key: string): void {
    const bytes = this.#copies.get(key);
    if (bytes === undefined) return;
    this.#copies.delete(key);
    this.#copies.set(key, bytes);
  }

  async #tidy(): Promise<void> {
    const now = performance.now();
    for (const [key, until] of this.#leases) if (until < now) this.#leases.delete(key);
    const { spool, least, most } = this.#options;
    const isShort = least > 0 && (await spool.free()) < least;
    await this.#evict(isShort ? 0 : most);
    if (now - this.#reconciledAt < RECONCILE_MS) return;
    this.#reconciledAt = now;
    const keys = [...this.#copies.keys()];
    for (let at = 0; at < keys.length; at += BATCH) {
      await this.#removeDeleted(keys.slice(at, at + BATCH));
    }
  }

  /** Down to so many bytes, as far as nobody reads them. */
  async #evict(most = this.#options.most): Promise<void> {
    const now = performance.now();
    for (const key of [...this.#copies.keys()]) {
      if (this.#bytes <= most && this.#copies.size <= MOST_COPIES) return;
      if ((this.#leases.get(key) ?? 0) > now) continue;
      this.forget(key);
      await this.#options.spool.remove(key);
    }
  }

  async #learn(): Promise<void> {
    const { spool } = this.#options;
    for await (const keys of spool.days()) {
      for (let at = 0; at < keys.length; at += BATCH) {
        for (const key of await this.#removeDeleted(keys.slice(at, at + BATCH))) {
          const bytes = await spool.bytesOf(key);
          if (bytes !== null && !this.#copies.has(key)) this.add(key, bytes);
        }
      }
    }
  }

  /** Those of these that the store has. What was deleted, on another node too, goes from here. */
  async #removeDeleted(keys: readonly string[]): Promise<readonly string[]> {
    const { archive, spool } = this.#options;
    const { kept, deleted } = await archive.known(keys);
    for (const key of deleted) {
      this.forget(key);
      await spool.remove(key);
    }
    return kept;
  }

  async #quietly(work: () => Promise<void>): Promise<void> {
    if (this.#isClosed) return;
    await work().catch((thrown: unknown) => {
      const reason = reasonOf(thrown);
      this.#options.log.warn('the copies of recordings could not be looked after', { reason });
    });
  }
}

/** The session's number, for sentences. */
export function idOf(key: string): string {
  return /\/sess_(\d+)-/.exec(key)?.[1] ?? '';
}
