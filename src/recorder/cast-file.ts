import { createHash } from 'node:crypto';
import { constants, type FileHandle, lstat, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RecordingReceipt } from '../domain/recording.ts';
import type { Frame } from '../handoff/frame.ts';
import type { Disk } from './disk.ts';
import { CastEncoder } from './encoder.ts';
import { pathOfKey } from './key.ts';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

interface FileListener {
  /** Bytes of frames that the operating system has taken. */
  written(bytes: number): void;
  /** At most once; the file is closed then. */
  failed(cause: Error): void;
}

/** The new file's name must be on disk too, else a power cut takes the whole recording. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** One after the other, so that none is made on the far side of a symbolic link. */
async function makeDirectories(root: string, key: string): Promise<void> {
  let parent = root;
  for (const name of key.split('/').slice(0, -1)) {
    const path = join(parent, name);
    try {
      await mkdir(path, { mode: 0o700 });
      await syncDirectory(parent);
    } catch (thrown) {
      if (!isTaken(thrown)) throw thrown;
      if (!(await lstat(path)).isDirectory()) {
        throw new Error(`${name} in the recordings is no directory`, { cause: thrown });
      }
    }
    parent = path;
  }
}

function isTaken(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST';
}

async function createFirstFree(
  root: string,
  keys: readonly string[],
): Promise<[string, FileHandle]> {
  for (const key of keys) {
    const path = pathOfKey(root, key);
    await makeDirectories(root, key);
    try {
      return [key, await open(path, NEW_FILE, 0o600)];
    } catch (thrown) {
      if (!isTaken(thrown)) throw thrown;
    }
  }
  throw new Error(`every name for ${keys[0]} is taken`);
}

interface CastFileStart {
  /** A real path. */
  readonly root: string;
  /** Tried in turn until one is free. */
  readonly keys: readonly string[];
  readonly header: string;
  readonly cap: number | null;
  /** Milliseconds from the first write to the fdatasync that covers it. */
  readonly syncDelay: number;
}

/** One file that grows: written as soon as there are lines, synced `syncDelay` later. */
export class CastFile {
  readonly key: string;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #disk: Disk;
  readonly #listener: FileListener;
  readonly #syncDelay: number;
  readonly #encoder: CastEncoder;
  readonly #hash = createHash('sha256');
  #pending: Buffer[] = [];
  /** Bytes of frames behind `#pending`. */
  #pendingFrames = 0;
  #size = 0;
  #writing: Promise<void> | null = null;
  #syncTimer: NodeJS.Timeout | null = null;
  /** The syncs, one behind the other: the file is closed when none is under way. */
  #syncing: Promise<void> = Promise.resolve();
  #failure: Error | null = null;

  private constructor(
    key: string,
    handle: FileHandle,
    start: CastFileStart,
    disk: Disk,
    listener: FileListener,
  ) {
    this.key = key;
    this.#path = pathOfKey(start.root, key);
    this.#handle = handle;
    this.#disk = disk;
    this.#listener = listener;
    this.#syncDelay = start.syncDelay;
    this.#encoder = new CastEncoder(start.cap);
  }

  /** Makes the file with its header, both on disk when this resolves. */
  static async create(start: CastFileStart, disk: Disk, listener: FileListener): Promise<CastFile> {
    return disk.run(async () => {
      const [key, handle] = await createFirstFree(start.root, start.keys);
      const file = new CastFile(key, handle, start, disk, listener);
      try {
        const header = Buffer.from(start.header);
        file.#hash.update(header);
        await file.#write(header);
        await handle.datasync();
        await syncDirectory(dirname(file.#path));
        return file;
      } catch (thrown) {
        await handle.close();
        await rm(file.#path, { force: true });
        throw thrown;
      }
    });
  }

  /** Encodes a frame; `flush` hands what was encoded to the disk. */
  add(frame: Frame, bytes: number): void {
    if (this.#failure !== null) return;
    this.#encoder.add(frame);
    this.#pendingFrames += bytes;
  }

  flush(): void {
    const lines = this.#encoder.take();
    if (lines !== '') {
      const bytes = Buffer.from(lines);
      this.#hash.update(bytes);
      this.#pending.push(bytes);
    }
    if (this.#pendingFrames > 0) this.#writing ??= this.#writeAll();
  }

  /** Everything on disk, and the file closed. Rejects after a failure, which was told already. */
  async finish(): Promise<RecordingReceipt> {
    this.flush();
    await this.#writing;
    this.#stopTimer();
    await this.#sync();
    if (this.#failure === null) await this.#handle.close().catch((thrown) => this.#fail(thrown));
    if (this.#failure !== null) throw this.#failure;
    return {
      key: this.key,
      size: this.#size,
      recordedBytes: this.#encoder.bytes,
      duration: this.#encoder.duration,
      sha256: this.#hash.digest('hex'),
    };
  }

  /** Nobody wants it: closes it, and removes it when it holds no more than its header. */
  async abandon(): Promise<void> {
    this.#failure ??= new Error('abandoned');
    await this.#writing;
    this.#stopTimer();
    await this.#syncing;
    await this.#handle.close().catch(() => undefined);
    if (this.#encoder.bytes === 0) await rm(this.#path, { force: true });
  }

  /** Never rejects: what goes wrong goes to the listener. */
  async #writeAll(): Promise<void> {
    try {
      while (this.#pendingFrames > 0 && this.#failure === null) {
        const [only, ...more] = this.#pending;
        const bytes = only && more.length === 0 ? only : Buffer.concat(this.#pending);
        const frames = this.#pendingFrames;
        this.#pending = [];
        this.#pendingFrames = 0;
        await this.#disk.run(() => this.#write(bytes));
        this.#listener.written(frames);
        this.#syncTimer ??= setTimeout(() => this.#timeToSync(), this.#syncDelay);
      }
    } catch (thrown) {
      await this.#fail(thrown);
    } finally {
      this.#writing = null;
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    let from = 0;
    while (from < bytes.length) {
      const left = bytes.length - from;
      const { bytesWritten } = await this.#handle.write(bytes, from, left, this.#size + from);
      from += bytesWritten;
    }
    this.#size += bytes.length;
  }

  #timeToSync(): void {
    this.#syncTimer = null;
    this.#sync().catch((thrown) => this.#fail(thrown));
  }

  #sync(): Promise<void> {
    this.#syncing = this.#syncing.then(() => this.#syncNow());
    return this.#syncing;
  }

  /** Never rejects: what goes wrong goes to the listener. */
  async #syncNow(): Promise<void> {
    try {
      await this.#disk.run(async () => {
        if (this.#failure !== null) return;
        await this.#handle.datasync();
        await this.#assertThere();
      });
    } catch (thrown) {
      await this.#fail(thrown);
    }
  }

  /** A removed file takes writes without an error; they are lost all the same. */
  async #assertThere(): Promise<void> {
    const [mine, there] = await Promise.all([this.#handle.stat(), lstat(this.#path)]);
    if (mine.ino !== there.ino || mine.dev !== there.dev) {
      throw new Error(`${this.key} was replaced while it was written`);
    }
  }

  async #fail(thrown: unknown): Promise<void> {
    if (this.#failure !== null) return;
    this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    this.#pending = [];
    this.#stopTimer();
    // A write that got half way has left half a line: the file is to end in a whole one.
    await this.#handle.truncate(this.#size).catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
    this.#listener.failed(this.#failure);
  }

  #stopTimer(): void {
    if (this.#syncTimer !== null) clearTimeout(this.#syncTimer);
    this.#syncTimer = null;
  }
}
