import { PosternError } from '../domain/errors.ts';
import type { PositionedBytes } from '../domain/positioned-bytes.ts';
import type { CastEvent } from '../domain/recording.ts';
import type { FinalState } from '../domain/seal.ts';
import { sizeOf, type TerminalSize } from '../domain/terminal-size.ts';
import { EventTimes, isSkipped, parseEvent } from './event.ts';
import { type FullHeader, parseHeader } from './header.ts';
import { sessionOfKey } from './key.ts';
import { LONGEST_LINE, linesOf } from './lines.ts';
import { parseNote } from './note.ts';
import { openReadable, type Shelf } from './open-cast.ts';
import { Newlines } from './playback.ts';
import { LONGEST_SEAL, parseSeal } from './seal.ts';

/** Bytes that are read at once; more where a line is longer. */
const BLOCK = 256 * 1024;

const NEWLINE = 0x0a;
const SEAL = Buffer.from('\n# seal ');

/** What only a resize has in its line: in what programs wrote, quotes are escaped. */
const RESIZE = Buffer.from(',"r","');
const LONGEST_RESIZE = 32;

/**
 * A recording that is being written, read as far as it is there, in whole lines; one call at a time.
 * Close it after use.
 */
export class GrowingCast {
  readonly header: FullHeader;
  readonly #key: string;
  readonly #cast: PositionedBytes;
  readonly #newlines: Newlines | null;
  #block: Buffer = Buffer.allocUnsafe(BLOCK);
  #times: EventTimes;
  /** Where the first line begins that was not read. */
  #at: number;
  #ended: FinalState | null = null;
  /** The next event comes from stderr. */
  #isError = false;

  private constructor(key: string, cast: PositionedBytes, header: FullHeader, at: number) {
    this.header = header;
    this.#key = key;
    this.#cast = cast;
    this.#newlines = header.pty ? null : new Newlines();
    this.#times = new EventTimes(header.version);
    this.#at = at;
  }

  /** Rejects with `recording.missing`, `recording.encrypted` or `recording.damaged`. */
  static async open(shelf: Shelf, key: string): Promise<GrowingCast> {
    const cast = await openReadable(shelf, key);
    try {
      const first = await linesOf(cast).next();
      const header = first.done ? null : parseHeader(first.value.bytes.toString('utf8'));
      if (first.done || header === null) {
        throw new PosternError('recording.damaged', { id: sessionOfKey(key) });
      }
      return new GrowingCast(key, cast, header, first.value.end);
    } catch (error) {
      await cast.close();
      throw error;
    }
  }

  /** How its last seal says that it ended; null: that seal was not read yet. */
  get ended(): FinalState | null {
    return this.#ended;
  }

  /** Bytes that are there and were not read. */
  async behind(): Promise<number> {
    return Math.max(0, (await this.#cast.size()) - this.#at);
  }

  /**
   * The next whole lines' events, of about 256 KB; none: nothing more is there yet. As playback has them:
   * newlines of programs without a terminal are CR LF. Rejects with `recording.damaged`.
   */
  async read(): Promise<CastEvent[]> {
    const length = await this.#fill(this.#at, this.#block.length);
    const end = this.#block.subarray(0, length).lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      if (length === this.#block.length) this.#widen();
      return [];
    }
    const events: CastEvent[] = [];
    for (let from = 0; from < end; ) {
      const cut = this.#block.indexOf(NEWLINE, from);
      const event = this.#line(this.#block.toString('utf8', from, cut));
      if (event !== null) events.push(event);
      from = cut + 1;
    }
    this.#at += end;
    return events;
  }

  /** How many bytes from `position` on are in the block now. */
  async #fill(position: number, most: number): Promise<number> {
    return (await this.#cast.read(this.#block, 0, most, position)).bytesRead;
  }

  #widen(): void {
    if (this.#block.length > LONGEST_LINE) throw this.#damaged();
    this.#block = Buffer.allocUnsafe(this.#block.length * 2);
  }

  #damaged(): PosternError {
    return new PosternError('recording.damaged', { id: sessionOfKey(this.#key) });
  }

  #line(line: string): CastEvent | null {
    if (isSkipped(line)) {
      this.#ended = parseSeal(line)?.final?.state ?? this.#ended;
      if (parseNote(line)?.name === 'stderr') this.#isError = true;
      return null;
    }
    const event = parseEvent(line);
    if (event === null) throw this.#damaged();
    const { code } = event;
    const data =
      code === 'o' && this.#newlines !== null ? this.#newlines.convert(event.data) : event.data;
    const isError = this.#isError;
    this.#isError = false;
    return { at: this.#times.of(event), code, data, isError };
  }

  /**
   * Goes on at the first seal among the last `most` bytes, since a seal knows its time. Answers what it
   * passed over: how many bytes, and the size that the terminal was given meanwhile (null: none). Null:
   * there is not that much, or no seal; then nothing changed.
   */
  async skip(
    most: number,
  ): Promise<{ readonly bytes: number; readonly size: TerminalSize | null } | null> {
    const size = await this.#cast.size();
    if (size - this.#at <= most) return null;
    const seal = await this.#sealAfter(size - most, size);
    if (seal === null) return null;
    const from = this.#at;
    this.#at = seal.at;
    this.#times = new EventTimes(this.header.version, seal.micros);
    return { bytes: seal.at - from, size: await this.#lastSize(from, seal.at) };
  }

  async #sealAfter(from: number, to: number): Promise<{ at: number; micros: number } | null> {
    const overlap = SEAL.length + LONGEST_SEAL;
    for (let at = from; at < to; at += this.#block.length - overlap) {
      const length = await this.#fill(at, this.#block.length);
      const block = this.#block.subarray(0, length);
      const mark = block.indexOf(SEAL);
      const end = mark === -1 ? -1 : block.indexOf(NEWLINE, mark + 1);
      if (end === -1) continue;
      const micros = parseSeal(block.toString('utf8', mark + 1, end))?.micros ?? null;
      if (micros !== null) return { at: at + mark + 1, micros };
    }
    return null;
  }

  async #lastSize(from: number, to: number): Promise<TerminalSize | null> {
    const step = this.#block.length - LONGEST_RESIZE;
    for (let at = to - step; at > from - step; at -= step) {
      const begin = Math.max(from, at);
      const most = Math.min(this.#block.length, to - begin);
      const length = await this.#fill(begin, most);
      const mark = this.#block.subarray(0, length).lastIndexOf(RESIZE);
      if (mark === -1) continue;
      const text = this.#block.toString('latin1', mark, Math.min(length, mark + LONGEST_RESIZE));
      const size = sizeOf(/^,"r","([^"]+)"/.exec(text)?.[1] ?? '');
      if (size !== null) return size;
    }
    return null;
  }

  close(): Promise<void> {
    return this.#cast.close();
  }
}
