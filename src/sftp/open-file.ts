import { SftpFailure, Status } from './failure.ts';
import type { FileStream, StreamRequest } from './file-stream.ts';

/** Bits of OPEN (draft-ietf-secsh-filexfer-02 section 6.3). */
const READ = 0x01;
const WRITE = 0x02;
const APPEND = 0x04;
const CREATE = 0x08;
const TRUNCATE = 0x10;
const EXCLUSIVE = 0x20;

/** Of a file that its client gives none. */
const MODE = 0o666;

/** What a file needs of the place where it is. */
export interface FilePlace {
  /** Rejects with SftpFailure. */
  stream(request: StreamRequest): Promise<FileStream>;
  /** Ends one that still runs. */
  abandon(stream: FileStream): void;
}

interface Going {
  readonly stream: FileStream;
  readonly way: 'read' | 'write';
  at: number;
  /** Nothing comes behind `at`. */
  atEnd: boolean;
}

/**
 * An open file. Its content goes through one stream as long as each request begins where the one before it
 * ended, as those of `sftp` and `scp` do; another place in the file is another stream.
 */
export class OpenFile {
  readonly path: Buffer;
  readonly #place: FilePlace;
  readonly #flags: number;
  #going: Going | null = null;

  private constructor(place: FilePlace, path: Buffer, flags: number) {
    this.#place = place;
    this.path = path;
    this.#flags = flags;
  }

  /** `mode`: of a file that is made. Rejects with SftpFailure. */
  static async open(
    place: FilePlace,
    path: Buffer,
    flags: number,
    mode: number | null,
  ): Promise<OpenFile> {
    const file = new OpenFile(place, path, flags);
    const made = flags & CREATE ? (mode ?? MODE) : null;
    if (flags & WRITE) await file.#begin('write', 0, howOf(flags), made);
    else if (flags & READ) await file.#begin('read', 0, 'read', null);
    else throw new SftpFailure(Status.Failure, 'Neither read nor write');
    return file;
  }

  /** Fewer bytes only at the end, none behind it. Rejects with SftpFailure. */
  async read(offset: number, length: number): Promise<Buffer> {
    if (!(this.#flags & READ)) throw new SftpFailure(Status.PermissionDenied, 'Not open to read');
    let going = this.#going;
    // Clients ask for more before they know of the end.
    if (going?.way === 'read' && going.atEnd && offset >= going.at) return Buffer.alloc(0);
    if (going?.way !== 'read' || going.at !== offset) {
      await this.settle();
      going = await this.#begin('read', offset, 'read', null);
    }
    const bytes = await going.stream.read(length);
    going.at += bytes.length;
    going.atEnd = bytes.length < length;
    return bytes;
  }

  /** Rejects with SftpFailure. */
  async write(offset: number, bytes: Buffer): Promise<void> {
    if (!(this.#flags & WRITE)) throw new SftpFailure(Status.PermissionDenied, 'Not open to write');
    const append = (this.#flags & APPEND) !== 0;
    let going = this.#going;
    if (going?.way !== 'write' || (going.at !== offset && !append)) {
      await this.settle();
      going = await this.#begin('write', append ? 0 : offset, append ? 'append' : 'keep', null);
    }
    await going.stream.write(bytes);
    going.at += bytes.length;
  }

  /** After it everything written is in the file. Rejects with SftpFailure. */
  async flush(): Promise<void> {
    if (this.#going?.way === 'write') await this.settle();
  }

  /** After it everything written is in the file, and nothing has it open. Rejects with SftpFailure. */
  async settle(): Promise<void> {
    const going = this.#going;
    this.#going = null;
    if (going === null) return;
    if (going.way === 'write') await going.stream.finish();
    else this.#place.abandon(going.stream);
  }

  /** Lets it go as it is. */
  abandon(): void {
    if (this.#going !== null) this.#place.abandon(this.#going.stream);
    this.#going = null;
  }

  async #begin(
    way: Going['way'],
    offset: number,
    how: StreamRequest['how'],
    mode: number | null,
  ): Promise<Going> {
    const stream = await this.#place.stream({ how, path: this.path, offset, mode });
    const going = { stream, way, at: offset, atEnd: false };
    this.#going = going;
    return going;
  }
}

function howOf(flags: number): StreamRequest['how'] {
  if (flags & CREATE && flags & EXCLUSIVE) return 'new';
  if (flags & TRUNCATE) return 'truncate';
  return flags & APPEND ? 'append' : 'keep';
}
