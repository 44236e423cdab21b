import { mkdirSync, type Stats, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';

export interface DataDirLock {
  release(): Promise<void>;
}

/**
 * Makes this process the one owner of a directory (absolute; made 0700 when it is missing): a node's
 * data, or an embedded database, for PGlite itself lets a second process in and then loses its rows
 * without a word. The lock is an abstract unix socket named after device and inode, so that the kernel
 * frees it however the process ends, and no path, however long or linked, gets round it. Linux alone
 * has those, and elsewhere a warning says so; two containers with their own networks do not see each
 * other's.
 *
 * Throws `store.in_use`, or `store.data_dir` when the directory cannot be made or locked.
 */
export async function lockDataDir(dir: string, log: Logger): Promise<DataDirLock> {
  const { dev, ino } = made(dir);
  if (process.platform !== 'linux') {
    log.warn('only Linux can keep a second postern out of a data directory; start no other', {
      dir,
    });
    return { release: () => Promise.resolve() };
  }
  const server = await listen(`\0postern-${dev}-${ino}`, dir);
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function made(dir: string): Stats {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return statSync(dir);
  } catch (cause) {
    throw new PosternError('store.data_dir', { dir, reason: reasonOf(cause) }, { cause });
  }
}

function listen(name: string, dir: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        taken
          ? new PosternError('store.in_use', { dir })
          : new PosternError('store.data_dir', { dir, reason: reasonOf(cause) }, { cause }),
      );
    });
    server.listen(name, () => {
      server.unref();
      resolve(server);
    });
  });
}
