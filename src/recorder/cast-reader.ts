import { constants, open, realpath } from 'node:fs/promises';
import { PosternError } from '../domain/errors.ts';
import type { CastEvent } from '../domain/recording.ts';
import { EventTimes, isSkipped, parseEvent } from './event.ts';
import { type FullHeader, parseHeader } from './header.ts';
import { assertNoLinks, pathOfKey, sessionOfKey } from './key.ts';
import { linesOf } from './lines.ts';
import { parseNote } from './note.ts';

function isAbsent(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !('code' in thrown)) return false;
  return thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR';
}

/**
 * Opens a recording's file, never through a symbolic link. Null when there is none (a directory or
 * a device is none either). The caller closes it.
 */
export async function openCast(root: string, key: string, flags = constants.O_RDONLY) {
  pathOfKey(root, key);
  try {
    const path = pathOfKey(await realpath(root), key);
    await assertNoLinks(path);
    // O_NONBLOCK: opening a FIFO that somebody put there must not wait for its other end.
    const handle = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (stats.isFile()) return { handle, stats };
    await handle.close();
    return null;
  } catch (thrown) {
    if (isAbsent(thrown)) return null;
    throw thrown;
  }
}

/** As `openCast`; rejects with `recording.missing` when there is none. */
export async function openPresentCast(root: string, key: string) {
  const cast = await openCast(root, key);
  if (cast === null) throw new PosternError('recording.missing', { id: sessionOfKey(key) });
  return cast;
}

/** A recording's header and its events, read as they are asked for. Dispose of it after use. */
export class CastReader {
  readonly header: FullHeader;
  readonly #lines: ReturnType<typeof linesOf>;
  readonly #close: () => Promise<void>;

  private constructor(
    header: FullHeader,
    lines: ReturnType<typeof linesOf>,
    close: () => Promise<void>,
  ) {
    this.header = header;
    this.#lines = lines;
    this.#close = close;
  }

  /** Rejects with `recording.missing` or `recording.damaged`. */
  static async open(root: string, key: string): Promise<CastReader> {
    const { handle } = await openPresentCast(root, key);
    const lines = linesOf(handle);
    const first = await lines.next().catch(async (thrown: unknown) => {
      await handle.close();
      throw thrown;
    });
    const header = first.done ? null : parseHeader(first.value.bytes.toString('utf8'));
    if (header === null) {
      await handle.close();
      throw new PosternError('recording.damaged', { id: sessionOfKey(key) });
    }
    return new CastReader(header, lines, () => handle.close());
  }

  /** Once through; a cut or damaged line ends it. */
  async *events(): AsyncGenerator<CastEvent> {
    const times = new EventTimes(this.header.version);
    let isError = false;
    for await (const { bytes } of this.#lines) {
      const line = bytes.toString('utf8');
      if (isSkipped(line)) {
        if (parseNote(line)?.name === 'stderr') isError = true;
        continue;
      }
      const event = parseEvent(line);
      if (event === null) return;
      yield { at: times.of(event), code: event.code, data: event.data, isError };
      isError = false;
    }
  }

  close(): Promise<void> {
    return this.#close();
  }
}
