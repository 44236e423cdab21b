import { readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ReadableStream } from 'node:stream/web';
import { namesOfRecipients } from '../domain/age-key.ts';
import type { DerivedFile } from '../domain/derived-file.ts';
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
import { NO_KEYS, type RecordingKeys } from '../domain/recording-keys.ts';
import type { KnownSeals, Verdict } from '../domain/seal.ts';
import { readEnvelope } from '../envelope/envelope.ts';
import { FileBytes } from '../envelope/file-bytes.ts';
import { KeyRing } from '../envelope/key-ring.ts';
import { CastReader } from './cast-reader.ts';
import { type CastSource, seenThrough } from './cast-source.ts';
import { Derived } from './derived.ts';
import { assertNoLinks, pathOfKey } from './key.ts';
import { endOfLastLine } from './lines.ts';
import {
  lockedError,
  openCast,
  openPresentCast,
  openReadable,
  readableOf,
  type SealedWith,
  type Shelf,
} from './open-cast.ts';
import { downloadLines, playbackEvents, playbackLines } from './playback.ts';
import { SealingKeys } from './signer.ts';
import { logEntries } from './text.ts';
import { verifyRecording } from './verify.ts';
import { piecesOf, verifyEncrypted } from './verify-encrypted.ts';
import { verifyLocked } from './verify-locked.ts';

/** Bytes of one piece of a stream; a stream holds about two of them, and one line. */
const PIECE = 64 * 1024;

/**
 * Reads the recordings under a directory; where there is none yet, there are no recordings. `keys` open
 * those that are encrypted.
 */
export function openLibrary(root: string, keys: RecordingKeys = NO_KEYS): RecordingLibrary {
  return new FileLibrary({ root: resolve(root), ring: new KeyRing(keys) });
}

async function* range(
  root: string,
  key: string,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  const { handle } = await openPresentCast(root, key);
  try {
    let at = from;
    while (at < to) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE, to - at));
      const { bytesRead } = await handle.read(piece, 0, piece.length, at);
      // Ending here would look like a whole answer to who has announced the length.
      if (bytesRead === 0) throw new Error(`${key} ends at ${at}, before ${to}`);
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function* plain(shelf: Shelf, key: string): AsyncGenerator<Uint8Array> {
  const cast = await openReadable(shelf, key);
  try {
    yield* piecesOf(cast);
  } finally {
    await cast.close();
  }
}

/** What `use` makes of a recording, whose file is closed when its reader stops. */
async function* reading<T>(
  shelf: Shelf,
  key: string,
  view: RecordingView | undefined,
  use: (source: CastSource) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const reader = await CastReader.open(shelf, key);
  try {
    yield* use(seenThrough(reader, view ?? null));
  } finally {
    await reader.close();
  }
}

/** Lines in pieces of some size, so that each is worth a write. */
async function* pieces(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let piece = '';
  for await (const line of lines) {
    piece += line;
    if (piece.length < PIECE) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  if (piece !== '') yield Buffer.from(piece);
}

function playback(
  shelf: Shelf,
  key: string,
  version: 2 | 3,
  view: RecordingView | undefined,
): AsyncGenerator<Uint8Array> {
  return reading(shelf, key, view, (source) => pieces(playbackLines(version, source)));
}

class FileLibrary implements RecordingLibrary {
  readonly #root: string;
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#root = shelf.root;
    this.#shelf = shelf;
  }

  async stat(key: string): Promise<StoredRecording | null> {
    const cast = await openCast(this.#root, key);
    if (cast === null) return null;
    try {
      const { size: all, mtime: modifiedAt } = cast.stats;
      const isEncrypted = (await readEnvelope(new FileBytes(cast.handle))) !== null;
      return { size: isEncrypted ? all : await endOfLastLine(cast.handle, all), modifiedAt };
    } finally {
      await cast.handle.close();
    }
  }

  async locking(key: string): Promise<Locking> {
    const cast = await openCast(this.#root, key);
    if (cast === null) return { isEncrypted: false, lockedTo: null };
    try {
      const readable = await readableOf(cast, this.#shelf.ring);
      const isLocked = readable.type === 'locked';
      const lockedTo = isLocked ? namesOfRecipients(readable.envelope.recipients) : null;
      return { isEncrypted: readable.type !== 'plain', lockedTo };
    } finally {
      await cast.handle.close();
    }
  }

  read(key: string, from: number, to: number): ReadableStream<Uint8Array> {
    return ReadableStream.from(range(this.#root, key, from, to));
  }

  readPlain(key: string): ReadableStream<Uint8Array> {
    return ReadableStream.from(plain(this.#shelf, key));
  }

  readForPlayback(key: string, view?: RecordingView): ReadableStream<Uint8Array> {
    return ReadableStream.from(playback(this.#shelf, key, 3, view));
  }

  readV2(key: string, view?: RecordingView): ReadableStream<Uint8Array> {
    return ReadableStream.from(playback(this.#shelf, key, 2, view));
  }

  readShown(key: string, view: RecordingView): ReadableStream<Uint8Array> {
    const lines = reading(this.#shelf, key, view, (source) => pieces(downloadLines(source)));
    return ReadableStream.from(lines);
  }

  playback(key: string, view?: RecordingView): AsyncGenerator<CastEvent> {
    return reading(this.#shelf, key, view, (source) => playbackEvents(3, source));
  }

  async masksPath(key: string): Promise<string> {
    return `${await this.#realPath(key)}.masks`;
  }

  async replayFile(key: string, kind: ReplayKind): Promise<DerivedFile> {
    const path = `${await this.#realPath(key)}.${kind}`;
    return new Derived(path, this.#shelf.ring, () => this.#sealedWith(key));
  }

  async #realPath(key: string): Promise<string> {
    const path = pathOfKey(await realpath(this.#root), key);
    await assertNoLinks(path);
    return path;
  }

  /** Null: it is not encrypted. */
  async #sealedWith(key: string): Promise<SealedWith | null> {
    const cast = await openPresentCast(this.#root, key);
    try {
      const readable = await readableOf(cast, this.#shelf.ring);
      if (readable.type === 'locked') throw lockedError(key, readable.envelope);
      return readable.type === 'plain' ? null : readable.sealed;
    } finally {
      await cast.handle.close();
    }
  }

  async header(key: string): Promise<CastHeader> {
    const reader = await CastReader.open(this.#shelf, key);
    try {
      const { version, cols, rows, timestamp, command, title, pty } = reader.header;
      return { version, cols, rows, timestamp, command, title, pty };
    } finally {
      await reader.close();
    }
  }

  events(key: string): AsyncGenerator<CastEvent> {
    return reading(this.#shelf, key, undefined, (source) => source.events());
  }

  logs(key: string, view?: RecordingView): AsyncGenerator<LogEntry> {
    return reading(this.#shelf, key, view, (source) => logEntries(source.events()));
  }

  async verify(key: string, known: KnownSeals): Promise<Verdict> {
    const { seals, identity } = known;
    const keys = new SealingKeys(...known.keys.map(({ publicPem }) => publicPem));
    const cast = await openPresentCast(this.#root, key);
    try {
      const readable = await readableOf(cast, this.#shelf.ring);
      switch (readable.type) {
        case 'plain':
          // Everything that lies there, half a line at the end too.
          return await verifyRecording(piecesOf(readable.bytes), { keys, seals, identity });
        case 'encrypted':
          return await verifyEncrypted(readable.bytes, { keys, seals, identity });
        case 'locked':
          return await verifyLocked(cast.handle, readable.envelope, known);
      }
    } finally {
      await cast.handle.close();
    }
  }

  /** All of them are here. */
  bring(): Promise<void> {
    return Promise.resolve();
  }

  async remove(key: string): Promise<boolean> {
    const cast = await openCast(this.#root, key);
    if (cast === null) return false;
    await cast.handle.close();
    const path = pathOfKey(this.#root, key);
    const derived = `${basename(path)}.`;
    // What was made of it goes first: it must not be all that is left.
    for (const name of await readdir(dirname(path))) {
      if (name.startsWith(derived)) await rm(join(dirname(path), name), { recursive: true });
    }
    await rm(path);
    return true;
  }
}
