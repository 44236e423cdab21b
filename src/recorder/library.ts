import { readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ReadableStream } from 'node:stream/web';
import type {
  CastEvent,
  CastHeader,
  LogEntry,
  RecordingLibrary,
  RecordingView,
  Sidecar,
  StoredRecording,
} from '../domain/recording.ts';
import type { KnownSeals, Verdict } from '../domain/seal.ts';
import { CastReader, openCast, openPresentCast } from './cast-reader.ts';
import { type CastSource, seenThrough } from './cast-source.ts';
import { assertNoLinks, pathOfKey } from './key.ts';
import { endOfLastLine } from './lines.ts';
import { downloadLines, playbackEvents, playbackLines } from './playback.ts';
import { SealingKeys } from './signer.ts';
import { logEntries } from './text.ts';
import { verifyRecording } from './verify.ts';

/** Bytes of one piece of a stream; a stream holds about two of them, and one line. */
const PIECE = 64 * 1024;

/** Reads the recordings under a directory; where there is none yet, there are no recordings. */
export function openLibrary(root: string): RecordingLibrary {
  return new FileLibrary(resolve(root));
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

/** Bytes of the file, now; 0 where there is none. */
async function sizeOf(root: string, key: string): Promise<number> {
  const cast = await openCast(root, key);
  await cast?.handle.close();
  return cast?.stats.size ?? 0;
}

/** What `use` makes of a recording, whose file is closed when its reader stops. */
async function* reading<T>(
  root: string,
  key: string,
  view: RecordingView | undefined,
  use: (source: CastSource) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const reader = await CastReader.open(root, key);
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
  root: string,
  key: string,
  version: 2 | 3,
  view: RecordingView | undefined,
): AsyncGenerator<Uint8Array> {
  return reading(root, key, view, (source) => pieces(playbackLines(version, source)));
}

class FileLibrary implements RecordingLibrary {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async stat(key: string): Promise<StoredRecording | null> {
    const cast = await openCast(this.#root, key);
    if (cast === null) return null;
    try {
      const size = await endOfLastLine(cast.handle, cast.stats.size);
      return { size, modifiedAt: cast.stats.mtime };
    } finally {
      await cast.handle.close();
    }
  }

  read(key: string, from: number, to: number): ReadableStream<Uint8Array> {
    return ReadableStream.from(range(this.#root, key, from, to));
  }

  readForPlayback(key: string, view?: RecordingView): ReadableStream<Uint8Array> {
    return ReadableStream.from(playback(this.#root, key, 3, view));
  }

  readV2(key: string, view?: RecordingView): ReadableStream<Uint8Array> {
    return ReadableStream.from(playback(this.#root, key, 2, view));
  }

  readShown(key: string, view: RecordingView): ReadableStream<Uint8Array> {
    const lines = reading(this.#root, key, view, (source) => pieces(downloadLines(source)));
    return ReadableStream.from(lines);
  }

  playback(key: string, view?: RecordingView): AsyncGenerator<CastEvent> {
    return reading(this.#root, key, view, (source) => playbackEvents(3, source));
  }

  async sidecar(key: string, kind: Sidecar): Promise<string> {
    const path = pathOfKey(await realpath(this.#root), key);
    await assertNoLinks(path);
    return `${path}.${kind}`;
  }

  async header(key: string): Promise<CastHeader> {
    const reader = await CastReader.open(this.#root, key);
    try {
      const { version, cols, rows, timestamp, command, title, pty } = reader.header;
      return { version, cols, rows, timestamp, command, title, pty };
    } finally {
      await reader.close();
    }
  }

  events(key: string): AsyncGenerator<CastEvent> {
    return reading(this.#root, key, undefined, (source) => source.events());
  }

  logs(key: string, view?: RecordingView): AsyncGenerator<LogEntry> {
    return reading(this.#root, key, view, (source) => logEntries(source.events()));
  }

  async verify(key: string, { keys, seals, identity }: KnownSeals): Promise<Verdict> {
    // Everything that lies there, half a line at the end too.
    const file = range(this.#root, key, 0, await sizeOf(this.#root, key));
    const trusted = new SealingKeys(...keys.map(({ publicPem }) => publicPem));
    return verifyRecording(file, { keys: trusted, seals, identity });
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
