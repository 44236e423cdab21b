import { constants, type FileHandle, mkdir, open, readdir, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { printable } from '../domain/log.ts';

/** As recorder/key.ts makes them. */
const KEY = /^\d{4}\/\d{2}\/\d{2}\/sess_\d+-\d+(?:\.\d+)?\.cast$/;
const NAME = /^sess_\d+-\d+(?:\.\d+)?\.cast$/;

/** What lies beside a recording while it is sent or fetched. */
const UPLOAD = '.upload';
const INCOMING = '.incoming';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

function isAbsent(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !('code' in thrown)) return false;
  return thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR';
}

/** A recording's file as it lies; what is in it is nobody's business here. */
export interface SpoolFile {
  readonly handle: FileHandle;
  readonly bytes: number;
  readonly modifiedAt: Date;
}

/** The directory in which the recorder writes, and to which recordings are brought back. */
export class Spool {
  readonly root: string;

  /** Absolute. */
  constructor(root: string) {
    this.root = root;
  }

  /** Throws for what no recorder has named. */
  path(key: string): string {
    if (!KEY.test(key)) throw new Error(`not the key of a recording: ${printable(key)}`);
    return join(this.root, key);
  }

  /** What is noted while it is sent. */
  uploadPath(key: string): string {
    return `${this.path(key)}${UPLOAD}`;
  }

  /** Null where there is none. The caller closes it. */
  async open(key: string): Promise<SpoolFile | null> {
    let handle: FileHandle;
    try {
      handle = await open(this.path(key), READ);
    } catch (thrown) {
      if (isAbsent(thrown)) return null;
      throw thrown;
    }
    const stats = await handle.stat();
    if (stats.isFile()) return { handle, bytes: stats.size, modifiedAt: stats.mtime };
    await handle.close();
    throw new Error(`${key} is no file`);
  }

  /** Bytes; null where there is none. */
  async bytesOf(key: string): Promise<number | null> {
    const file = await this.open(key);
    await file?.handle.close();
    return file?.bytes ?? null;
  }

  async makeDirectory(key: string): Promise<void> {
    await mkdir(dirname(this.path(key)), { recursive: true, mode: 0o700 });
  }

  /** A new file for what comes back; rename it to the recording's when it is whole. */
  async openIncoming(key: string): Promise<{ readonly handle: FileHandle; readonly path: string }> {
    await this.makeDirectory(key);
    const path = `${this.path(key)}${INCOMING}`;
    return { handle: await open(path, WRITE, 0o600), path };
  }

  /** The file, and everything beside it that was made of it. */
  async remove(key: string): Promise<void> {
    const path = this.path(key);
    const derived = `${basename(path)}.`;
    const names = await namesIn(dirname(path));
    for (const name of names.filter((one) => one.startsWith(derived))) {
      await rm(join(dirname(path), name), { recursive: true, force: true });
    }
    await rm(path, { force: true });
  }

  /** The keys of all recordings that lie there, a day at a time. What a fetch left half is removed. */
  async *days(): AsyncGenerator<readonly string[]> {
    for (const year of await namesIn(this.root, /^\d{4}$/)) {
      for (const month of await namesIn(join(this.root, year), /^\d{2}$/)) {
        for (const day of await namesIn(join(this.root, year, month), /^\d{2}$/)) {
          yield await this.#keysOf(`${year}/${month}/${day}`);
        }
      }
    }
  }

  async #keysOf(day: string): Promise<readonly string[]> {
    const directory = join(this.root, day);
    const names = await namesIn(directory);
    for (const name of names.filter((one) => one.endsWith(INCOMING))) {
      await rm(join(directory, name), { force: true });
    }
    return names.filter((name) => NAME.test(name)).map((name) => `${day}/${name}`);
  }

  /** Bytes that may still be written. */
  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.root);
    return bavail * bsize;
  }
}

async function namesIn(path: string, form = /^/): Promise<readonly string[]> {
  try {
    return (await readdir(path)).filter((name) => form.test(name));
  } catch (thrown) {
    if (isAbsent(thrown)) return [];
    throw thrown;
  }
}
