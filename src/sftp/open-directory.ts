import { type Attributes, attributesOf } from './attributes.ts';
import type { FileStream } from './file-stream.ts';
import type { FilePlace } from './open-file.ts';

export interface Entry {
  readonly name: Buffer;
  readonly attributes: Attributes;
}

/** How many entries go into one answer, at most. */
const AT_ONCE = 100;

const PIECE = 16 * 1024;

/** What no record can be longer than: a name has 255 bytes. */
const MOST_RECORD = 4096;

const SLASH = 0x2f;
const SPACES = 6;

/**
 * An open directory: its stream has a record for each entry, behind a slash, which no name can have in it.
 */
export class OpenDirectory {
  readonly path: Buffer;
  readonly #stream: FileStream;
  readonly #place: FilePlace;
  #held: Buffer = Buffer.alloc(0);
  #ended = false;

  private constructor(place: FilePlace, path: Buffer, stream: FileStream) {
    this.#place = place;
    this.path = path;
    this.#stream = stream;
  }

  /** Rejects with SftpFailure. */
  static async open(place: FilePlace, path: Buffer): Promise<OpenDirectory> {
    const stream = await place.stream({ how: 'list', path, offset: 0, mode: null });
    return new OpenDirectory(place, path, stream);
  }

  /** The next ones; none at the end. */
  async read(): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    while (entries.length < AT_ONCE) {
      const entry = await this.#next();
      if (entry === null) break;
      entries.push(entry);
    }
    return entries;
  }

  abandon(): void {
    this.#place.abandon(this.#stream);
  }

  async #next(): Promise<Entry | null> {
    for (;;) {
      const end = this.#held.indexOf(SLASH, 1);
      if (end === -1 && !this.#ended && this.#held.length < MOST_RECORD) {
        const piece = await this.#stream.read(PIECE);
        this.#ended = piece.length < PIECE;
        this.#held = Buffer.concat([this.#held, piece]);
        continue;
      }
      if (this.#held.length === 0) return null;
      const record = this.#held.subarray(1, end === -1 ? undefined : end);
      this.#held = end === -1 ? Buffer.alloc(0) : this.#held.subarray(end);
      const entry = entryOf(record);
      if (entry !== null) return entry;
    }
  }
}

/** Six fields, the name, and the newline that `stat` puts behind it. */
function entryOf(record: Buffer): Entry | null {
  let at = 0;
  for (let space = 0; space < SPACES; space += 1) {
    at = record.indexOf(0x20, at) + 1;
    if (at === 0) return null;
  }
  const attributes = attributesOf(record.toString('latin1', 0, at));
  const name = record.subarray(at, -1);
  return attributes === null || name.length === 0 ? null : { name, attributes };
}
