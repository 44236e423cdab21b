import { createHash } from 'node:crypto';
import { type FileHandle, lstat, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RecordingReceipt } from '../domain/recording.ts';
import type { RecordingEncryption } from '../domain/recording-keys.ts';
import type { Seal } from '../domain/seal.ts';
import { forgetDataKey } from '../envelope/node-key.ts';
import type { RecordSealer } from '../envelope/record.ts';
import type { Frame } from '../handoff/frame.ts';
import { encloseCast } from './cast-envelope.ts';
import type { Disk } from './disk.ts';
import { CastEncoder, type TerminalSize } from './encoder.ts';
import { HashChain } from './hash-chain.ts';
import { pathOfKey } from './key.ts';
import { createFirstFree, syncDirectory } from './new-file.ts';
import { type Final, PART_BYTES, PART_MS, seal } from './seal.ts';
import type { Signer } from './signer.ts';
import { writeFully } from './write-fully.ts';

interface FileListener {
  /** Bytes of frames that the operating system has taken. */
  written(bytes: number): void;
  /** A part is sealed, and on disk with its seal. */
  sealed(seal: Seal): void;
  /** At most once; the file is closed then. */
  failed(cause: Error): void;
}

interface CastFileStart {
  /** A real path. */
  readonly root: string;
  /** Tried in turn until one is free. */
  readonly keys: readonly string[];
  readonly header: string;
  readonly cap: number | null;
  /** The terminal's size, where what is typed is recorded too. */
  readonly typed: TerminalSize | null;
  /** Milliseconds from the first write to the fdatasync that covers it. */
  readonly syncDelay: number;
  readonly signer: Signer;
  /** Null: the file holds the asciicast as it is. */
  readonly encryption: RecordingEncryption | null;
}

/**
 * One file that grows: written as soon as there are lines, synced `syncDelay` later, sealed part by
 * part; where it is encrypted, each write is a record.
 */
export class CastFile {
  readonly key: string;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #disk: Disk;
  readonly #listener: FileListener;
  readonly #syncDelay: number;
  readonly #encoder: CastEncoder;
  /** Of the file as it lies. */
  readonly #hash = createHash('sha256');
  readonly #signer: Signer;
  readonly #chain = new HashChain();
  #partTimer: NodeJS.Timeout | null = null;
  /** Those that are not on disk yet. */
  #seals: Seal[] = [];
  #pending: Buffer[] = [];
  /** Bytes of frames behind `#pending`. */
  #pendingFrames = 0;
  /** Bytes of the file, as it lies. */
  #size = 0;
  /** Bytes of the asciicast that are in it; the same where nothing is encrypted. */
  #castSize = 0;
  #sealer: RecordSealer | null = null;
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
    this.#signer = start.signer;
    this.#encoder = new CastEncoder(start.cap, start.typed);
  }

  /** Makes the file with its header, both on disk when this resolves. */
  static async create(start: CastFileStart, disk: Disk, listener: FileListener): Promise<CastFile> {
    return disk.run(async () => {
      const [key, handle] = await createFirstFree(start.root, start.keys);
      const file = new CastFile(key, handle, start, disk, listener);
      try {
        await file.#begin(start);
        return file;
      } catch (thrown) {
        await handle.close();
        await file.#remove();
        throw thrown;
      }
    });
  }

  async #begin({ header, encryption }: CastFileStart): Promise<void> {
    if (encryption !== null) {
      const { line, sealer } = await encloseCast(this.#path, header, encryption);
      await this.#put(line);
      this.#sealer = sealer;
    }
    const bytes = Buffer.from(header);
    this.#chain.add(bytes);
    await this.#write(bytes);
    await this.#handle.datasync();
    await syncDirectory(dirname(this.#path));
  }

  async #remove(): Promise<void> {
    await rm(this.#path, { force: true });
    await forgetDataKey(this.#path);
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
      this.#chain.add(bytes);
      this.#pending.push(bytes);
      if (this.#chain.size - this.#chain.sealed >= PART_BYTES) this.#seal(null);
      else this.#partTimer ??= setTimeout(() => this.#seal(null), PART_MS);
    }
    this.#startWriting();
  }

  #startWriting(): void {
    if (this.#hasPending) this.#writing ??= this.#writeAll();
  }

  get #hasPending(): boolean {
    return this.#pending.length > 0 || this.#pendingFrames > 0;
  }

  /** Ends the part that is being written. */
  #seal(final: Final | null): Seal {
    if (this.#partTimer !== null) clearTimeout(this.#partTimer);
    this.#partTimer = null;
    const made = seal(this.#chain, this.#signer, this.#encoder.micros, final);
    this.#seals.push(made);
    this.#pending.push(Buffer.from(`${made.line}\n`));
    this.#startWriting();
    return made;
  }

  /** Everything on disk, and the file closed. Rejects after a failure, which was told already. */
  async finish(): Promise<RecordingReceipt> {
    this.flush();
    const last = this.#seal({ state: 'complete', recordedBytes: this.#encoder.bytes });
    await this.#writing;
    this.#stopTimers();
    await this.#sync();
    if (this.#failure === null) await this.#handle.close().catch((thrown) => this.#fail(thrown));
    if (this.#failure !== null) throw this.#failure;
    return {
      key: this.key,
      size: this.#size,
      recordedBytes: this.#encoder.bytes,
      duration: this.#encoder.micros / 1_000_000,
      sha256: this.#hash.digest('hex'),
      seal: last,
    };
  }

  /** Nobody wants it: closes it, and removes it when it holds no more than its header. */
  async abandon(): Promise<void> {
    this.#failure ??= new Error('abandoned');
    await this.#writing;
    this.#stopTimers();
    await this.#syncing;
    await this.#handle.close().catch(() => undefined);
    if (this.#encoder.bytes === 0) await this.#remove();
  }

  /** Never rejects: what goes wrong goes to the listener. */
  async #writeAll(): Promise<void> {
    try {
      while (this.#hasPending && this.#failure === null) {
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
    await this.#put(this.#sealer === null ? bytes : this.#sealer.seal(bytes));
    this.#castSize += bytes.length;
  }

  /** Bytes of the file, as they are to lie. */
  async #put(bytes: Buffer): Promise<void> {
    await writeFully(this.#handle, bytes, this.#size);
    this.#hash.update(bytes);
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
        const size = this.#castSize;
        await this.#handle.datasync();
        await this.#assertThere();
        this.#tellSeals(size);
      });
    } catch (thrown) {
      await this.#fail(thrown);
    }
  }

  /** A seal whose bytes a crash can still take must not be known anywhere: they would be missed. */
  #tellSeals(size: number): void {
    const isOnDisk = ({ end, line }: Seal): boolean => end + line.length < size;
    for (const made of this.#seals.filter(isOnDisk)) this.#listener.sealed(made);
    this.#seals = this.#seals.filter((made) => !isOnDisk(made));
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
    this.#stopTimers();
    // A write that got half way has left half a line or record: the file is to end in a whole one.
    await this.#handle.truncate(this.#size).catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
    this.#listener.failed(this.#failure);
  }

  #stopTimers(): void {
    if (this.#syncTimer !== null) clearTimeout(this.#syncTimer);
    if (this.#partTimer !== null) clearTimeout(this.#partTimer);
    this.#syncTimer = null;
    this.#partTimer = null;
  }
}
