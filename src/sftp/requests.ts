import type { Fields } from '../transfer/fields.ts';
import { Sftp } from '../transfer/sftp-messages.ts';
import { Unreadable } from '../transfer/unreadable.ts';
import {
  attributesAnswer,
  dataAnswer,
  entriesAnswer,
  handleAnswer,
  pathAnswer,
  statusAnswer,
} from './answers.ts';
import { attributesOf, type Wanted, wantedOf } from './attributes.ts';
import { SftpFailure, Status } from './failure.ts';
import { FileStream, type StreamRequest } from './file-stream.ts';
import { OpenDirectory } from './open-directory.ts';
import { type FilePlace, OpenFile } from './open-file.ts';
import type { Run, ToolShell } from './tool-shell.ts';

/** Files and directories that one client has open. */
const MOST_OPEN = 64;

/** In one answer, in bytes: as OpenSSH's server. */
const MOST_READ = 255 * 1024;

const MOST_PATH = 4096;
const MOST_NAME = 256;
const MOST_DATA = 256 * 1024;

/** What a container's files are reached with. */
export interface FilesPlace {
  readonly run: Run;
  /** A path: understands POSIX's language. */
  readonly shell: string;
  readonly tools: ToolShell;
}

/** Answers the requests of one client, one after another. */
export class Requests implements FilePlace {
  readonly #place: FilesPlace;
  readonly #open = new Map<number, OpenFile | OpenDirectory>();
  #handles = 0;

  constructor(place: FilesPlace) {
    this.#place = place;
  }

  /** `fields` stand behind the request's number. Throws Unreadable; never an SftpFailure. */
  async answer(type: number, id: number, fields: Fields): Promise<Buffer> {
    try {
      return (await this.#answer(type, id, fields)) ?? statusAnswer(id, Status.Ok, 'Success');
    } catch (error) {
      if (error instanceof Unreadable) throw error;
      const { status, message } =
        error instanceof SftpFailure
          ? error
          : new SftpFailure(Status.Failure, 'The container does not begin a program');
      return statusAnswer(id, status, message);
    }
  }

  stream(request: StreamRequest): Promise<FileStream> {
    return FileStream.open(this.#place.run, this.#place.shell, request);
  }

  abandon(stream: FileStream): void {
    if (stream.running) void this.#place.tools.ask('kill', stream.pid).catch(() => undefined);
    stream.close();
  }

  /** Lets go of everything that is open. */
  abandonAll(): void {
    for (const one of this.#open.values()) one.abandon();
    this.#open.clear();
  }

  #answer(type: number, id: number, fields: Fields): Promise<Buffer | null> {
    switch (type) {
      case Sftp.Open:
        return this.#openFile(id, fields);
      case Sftp.Opendir:
        return this.#openDirectory(id, fields);
      case Sftp.Close:
        return this.#close(fields);
      case Sftp.Read:
        return this.#read(id, fields);
      case Sftp.Write:
        return this.#file(fields).write(fields.uint64(), fields.string(MOST_DATA)).then(nothing);
      case Sftp.Readdir:
        return this.#readDirectory(id, fields);
      case Sftp.Stat:
        return this.#attributes(id, 'stat', this.#path(fields));
      case Sftp.Lstat:
        return this.#attributes(id, 'lstat', this.#path(fields));
      case Sftp.Fstat:
        return this.#settled(fields).then((path) => this.#attributes(id, 'stat', path));
      case Sftp.Setstat:
        return this.#change(this.#path(fields), wantedOf(fields));
      case Sftp.Fsetstat:
        return this.#settled(fields).then((path) => this.#change(path, wantedOf(fields)));
      case Sftp.Remove:
        return this.#do('remove', this.#path(fields));
      case Sftp.Mkdir:
        return this.#makeDirectory(fields);
      case Sftp.Rmdir:
        return this.#do('rmdir', this.#path(fields));
      case Sftp.Realpath:
        return this.#do('realpath', this.#path(fields), id);
      case Sftp.Readlink:
        return this.#do('readlink', this.#path(fields), id);
      case Sftp.Rename:
        return this.#both('rename', this.#path(fields), this.#path(fields));
      case Sftp.Symlink:
        // OpenSSH's order, which is not the draft's: what it points to comes first, and is left as it is.
        return this.#both('symlink', namedBy(fields), this.#path(fields));
      case Sftp.Extended:
        return this.#extended(fields);
      default:
        return Promise.reject(new SftpFailure(Status.Unsupported, 'Operation unsupported'));
    }
  }

  #extended(fields: Fields): Promise<null> {
    switch (fields.string(MOST_NAME).toString('latin1')) {
      case 'posix-rename@openssh.com':
        return this.#both('replace', this.#path(fields), this.#path(fields));
      case 'hardlink@openssh.com':
        return this.#both('link', this.#path(fields), this.#path(fields));
      default:
        return Promise.reject(new SftpFailure(Status.Unsupported, 'Operation unsupported'));
    }
  }

  async #openFile(id: number, fields: Fields): Promise<Buffer> {
    const path = this.#path(fields);
    const flags = fields.uint32();
    const { mode } = wantedOf(fields);
    return await this.#opened(id, () => OpenFile.open(this, path, flags, mode));
  }

  async #openDirectory(id: number, fields: Fields): Promise<Buffer> {
    const path = this.#path(fields);
    return await this.#opened(id, () => OpenDirectory.open(this, path));
  }

  async #opened(id: number, open: () => Promise<OpenFile | OpenDirectory>): Promise<Buffer> {
    if (this.#open.size >= MOST_OPEN) throw new SftpFailure(Status.Failure, 'Too many open files');
    const one = await open();
    this.#handles += 1;
    this.#open.set(this.#handles, one);
    return handleAnswer(id, this.#handles);
  }

  async #close(fields: Fields): Promise<null> {
    const handle = handleOf(fields);
    const one = this.#open.get(handle);
    if (one === undefined) throw new SftpFailure(Status.Failure, 'Invalid handle');
    this.#open.delete(handle);
    if (one instanceof OpenFile) await one.settle();
    else one.abandon();
    return null;
  }

  async #read(id: number, fields: Fields): Promise<Buffer> {
    const file = this.#file(fields);
    const offset = fields.uint64();
    const bytes = await file.read(offset, Math.min(fields.uint32(), MOST_READ));
    if (bytes.length > 0) return dataAnswer(id, bytes);
    return statusAnswer(id, Status.Eof, 'End of file');
  }

  async #readDirectory(id: number, fields: Fields): Promise<Buffer> {
    const one = this.#open.get(handleOf(fields));
    if (!(one instanceof OpenDirectory)) throw new SftpFailure(Status.Failure, 'Invalid handle');
    const entries = await one.read();
    if (entries.length > 0) return entriesAnswer(id, entries);
    return statusAnswer(id, Status.Eof, 'End of file');
  }

  async #attributes(id: number, what: 'stat' | 'lstat', path: Buffer): Promise<Buffer> {
    const attributes = attributesOf((await this.#place.tools.ask(what, path)).toString('latin1'));
    if (attributes === null) throw new SftpFailure(Status.Failure, 'Failure');
    return attributesAnswer(id, attributes);
  }

  async #change(path: Buffer, { size, owner, mode, modified }: Wanted): Promise<null> {
    const { tools } = this.#place;
    const say = (what: string, value: string): Promise<Buffer> =>
      tools.ask(what, path, Buffer.from(value));
    if (size !== null) await say('size', String(size));
    if (owner !== null) await say('owner', `${owner.uid}:${owner.gid}`);
    if (mode !== null) await say('mode', mode.toString(8));
    if (modified !== null) await say('times', String(modified));
    return null;
  }

  async #makeDirectory(fields: Fields): Promise<null> {
    const path = this.#path(fields);
    const mode = wantedOf(fields).mode ?? 0o777;
    return await this.#both('mkdir', path, Buffer.from(mode.toString(8)));
  }

  async #both(what: string, first: Buffer, second: Buffer): Promise<null> {
    await this.#place.tools.ask(what, first, second);
    return null;
  }

  /** With a number: its value is a path that is asked for. */
  async #do(what: string, path: Buffer, id: number | null = null): Promise<Buffer | null> {
    const value = await this.#place.tools.ask(what, path);
    return id === null ? null : pathAnswer(id, value);
  }

  #file(fields: Fields): OpenFile {
    const one = this.#open.get(handleOf(fields));
    if (one instanceof OpenFile) return one;
    throw new SftpFailure(Status.Failure, 'Invalid handle');
  }

  /** The path of an open one, with everything that was written in it. */
  async #settled(fields: Fields): Promise<Buffer> {
    const one = this.#open.get(handleOf(fields));
    if (one === undefined) throw new SftpFailure(Status.Failure, 'Invalid handle');
    if (one instanceof OpenFile) await one.flush();
    return one.path;
  }

  /** Absolute; what is not begins where programs do. */
  #path(fields: Fields): Buffer {
    const path = fields.cstring(MOST_PATH);
    if (path[0] === SLASH) return path;
    if (path.length === 0) return this.#place.tools.home;
    return Buffer.concat([this.#place.tools.home, Buffer.of(SLASH), path]);
  }
}

const SLASH = 0x2f;

const nothing = (): null => null;

function namedBy(fields: Fields): Buffer {
  const path = fields.cstring(MOST_PATH);
  if (path.length === 0) throw new SftpFailure(Status.NoSuchFile, 'No such file or directory');
  return path;
}

/** 0 is none. */
function handleOf(fields: Fields): number {
  const handle = fields.string(MOST_NAME);
  return handle.length === 4 ? handle.readUInt32BE() : 0;
}
