import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ReadableStream } from 'node:stream/web';
import type {
  CastEvent,
  CastHeader,
  LogEntry,
  RecordingLibrary,
  StoredRecording,
} from '../domain/recording.ts';
import { CastReader, openCast, openPresentCast } from './cast-reader.ts';
import { pathOfKey } from './key.ts';
import { endOfLastLine } from './lines.ts';
import { playbackLines } from './playback.ts';
import { logEntries } from './text.ts';

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

async function* playback(root: string, key: string, version: 2 | 3): AsyncGenerator<Uint8Array> {
  await using reader = await CastReader.open(root, key);
  let lines = '';
  for await (const line of playbackLines(version, reader)) {
    lines += line;
    if (lines.length < PIECE) continue;
    yield Buffer.from(lines);
    lines = '';
  }
  if (lines !== '') yield Buffer.from(lines);
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

  readForPlayback(key: string): ReadableStream<Uint8Array> {
    return ReadableStream.from(playback(this.#root, key, 3));
  }

  readV2(key: string): ReadableStream<Uint8Array> {
    return ReadableStream.from(playback(this.#root, key, 2));
  }

  async header(key: string): Promise<CastHeader> {
    await using reader = await CastReader.open(this.#root, key);
    const { version, cols, rows, timestamp, command, title } = reader.header;
    return { version, cols, rows, timestamp, command, title };
  }

  async *events(key: string): AsyncGenerator<CastEvent> {
    await using reader = await CastReader.open(this.#root, key);
    yield* reader.events();
  }

  async *logs(key: string): AsyncGenerator<LogEntry> {
    await using reader = await CastReader.open(this.#root, key);
    yield* logEntries(reader.events());
  }

  async remove(key: string): Promise<boolean> {
    const cast = await openCast(this.#root, key);
    if (cast === null) return false;
    await cast.handle.close();
    await rm(pathOfKey(this.#root, key));
    return true;
  }
}
