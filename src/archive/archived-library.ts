import { ReadableStream } from 'node:stream/web';
import type { ArchiveStore } from '../domain/archive.ts';
import type { DerivedFile } from '../domain/derived-file.ts';
import { PosternError } from '../domain/errors.ts';
import type {
  CastEvent,
  CastHeader,
  Locking,
  LogEntry,
  RecordingLibrary,
  RecordingView,
  ReplayKind,
  StoredRecording,
} from '../domain/recording.ts';
import type { KnownSeals, Verdict } from '../domain/seal.ts';
import type { LocalCopies } from './local-copies.ts';
import type { Spool } from './spool.ts';

/** What stands for recordings that are only in the store. */
export interface ArchivedLibraryParts {
  /** Reads what is on disk below the spool's directory. */
  readonly local: RecordingLibrary;
  /** Reads what is on disk below another directory. */
  readonly openAt: (root: string) => Pick<RecordingLibrary, 'verify'>;
  readonly spool: Spool;
  readonly copies: LocalCopies;
  readonly archive: Pick<ArchiveStore, 'find'>;
}

async function* after<T>(
  ready: () => Promise<void>,
  read: () => AsyncIterable<T>,
): AsyncGenerator<T> {
  await ready();
  yield* read();
}

/** Recordings, of which some are brought back from the store before they are read like any other. */
export class ArchivedLibrary implements RecordingLibrary {
  readonly #parts: ArchivedLibraryParts;

  constructor(parts: ArchivedLibraryParts) {
    this.#parts = parts;
  }

  bring(key: string): Promise<void> {
    return this.#parts.copies.bring(key);
  }

  /** Of what is only in the store, as it was when it went there. */
  async stat(key: string): Promise<StoredRecording | null> {
    const here = await this.#parts.local.stat(key);
    return here ?? (await this.#parts.archive.find(key));
  }

  read(key: string, from: number, to: number): ReadableStream<Uint8Array> {
    return this.#stream(key, () => this.#parts.local.read(key, from, to));
  }

  readPlain(key: string): ReadableStream<Uint8Array> {
    return this.#stream(key, () => this.#parts.local.readPlain(key));
  }

  readForPlayback(key: string, view?: RecordingView): ReadableStream<Uint8Array> {
    return this.#stream(key, () => this.#parts.local.readForPlayback(key, view));
  }

  readV2(key: string, view?: RecordingView): ReadableStream<Uint8Array> {
    return this.#stream(key, () => this.#parts.local.readV2(key, view));
  }

  readShown(key: string, view: RecordingView): ReadableStream<Uint8Array> {
    return this.#stream(key, () => this.#parts.local.readShown(key, view));
  }

  playback(key: string, view?: RecordingView): AsyncIterable<CastEvent> {
    return after(
      () => this.bring(key),
      () => this.#parts.local.playback(key, view),
    );
  }

  async masksPath(key: string): Promise<string> {
    await this.#parts.spool.makeDirectory(key);
    return await this.#parts.local.masksPath(key);
  }

  async replayFile(key: string, kind: ReplayKind): Promise<DerivedFile> {
    await this.#parts.spool.makeDirectory(key);
    return await this.#parts.local.replayFile(key, kind);
  }

  locking(key: string): Promise<Locking> {
    return this.#parts.local.locking(key);
  }

  async header(key: string): Promise<CastHeader> {
    await this.bring(key);
    return await this.#parts.local.header(key);
  }

  events(key: string): AsyncIterable<CastEvent> {
    return after(
      () => this.bring(key),
      () => this.#parts.local.events(key),
    );
  }

  logs(key: string, view?: RecordingView): AsyncIterable<LogEntry> {
    return after(
      () => this.bring(key),
      () => this.#parts.local.logs(key, view),
    );
  }

  async verify(key: string, known: KnownSeals): Promise<Verdict> {
    const { copies, local, openAt } = this.#parts;
    try {
      await this.bring(key);
    } catch (error) {
      if (!(error instanceof PosternError) || error.code !== 'recording.altered') throw error;
      const verdict = await copies.examine(key, (root) => openAt(root).verify(key, known));
      return asAltered(verdict);
    }
    return await local.verify(key, known);
  }

  /** What the store has of it goes when its row says that it was deleted: see shipper.ts. */
  async remove(key: string): Promise<boolean> {
    const { local, copies, spool } = this.#parts;
    const removed = await local.remove(key);
    await spool.remove(key);
    copies.forget(key);
    return removed;
  }

  #stream(key: string, read: () => AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
    return ReadableStream.from(after(() => this.bring(key), read));
  }
}

/** It is not what was sent, whatever its seals say of what is left of it. */
function asAltered(verdict: Verdict | null): Verdict {
  if (verdict?.state === 'tampered') return verdict;
  return { state: 'tampered', part: 1, from: 0, to: 0, problem: 'replaced' };
}
