import { PosternError } from '../domain/errors.ts';
import type { CastEvent } from '../domain/recording.ts';
import { EventTimes, isSkipped, parseEvent } from './event.ts';
import { type FullHeader, parseHeader } from './header.ts';
import { sessionOfKey } from './key.ts';
import { linesOf } from './lines.ts';
import { parseNote } from './note.ts';
import { openReadable, type Shelf } from './open-cast.ts';

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

  /** Rejects with `recording.missing`, `recording.encrypted` or `recording.damaged`. */
  static async open(shelf: Shelf, key: string): Promise<CastReader> {
    const cast = await openReadable(shelf, key);
    const lines = linesOf(cast);
    const first = await lines.next().catch(async (thrown: unknown) => {
      await cast.close();
      throw thrown;
    });
    const header = first.done ? null : parseHeader(first.value.bytes.toString('utf8'));
    if (header === null) {
      await cast.close();
      throw new PosternError('recording.damaged', { id: sessionOfKey(key) });
    }
    return new CastReader(header, lines, () => cast.close());
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
