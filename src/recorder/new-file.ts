import { constants, type FileHandle, lstat, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { pathOfKey } from './key.ts';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** The new file's name must be on disk too, else a power cut takes the whole recording. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** One after the other, so that none is made on the far side of a symbolic link. */
async function makeDirectories(root: string, key: string): Promise<void> {
  let parent = root;
  for (const name of key.split('/').slice(0, -1)) {
    const path = join(parent, name);
    try {
      await mkdir(path, { mode: 0o700 });
      await syncDirectory(parent);
    } catch (thrown) {
      if (!isTaken(thrown)) throw thrown;
      if (!(await lstat(path)).isDirectory()) {
        throw new Error(`${name} in the recordings is no directory`, { cause: thrown });
      }
    }
    parent = path;
  }
}

function isTaken(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST';
}

/** Makes the file of the first key that is free. Rejects when none is, or a directory is a link. */
export async function createFirstFree(
  root: string,
  keys: readonly string[],
): Promise<[string, FileHandle]> {
  for (const key of keys) {
    const path = pathOfKey(root, key);
    await makeDirectories(root, key);
    try {
      return [key, await open(path, NEW_FILE, 0o600)];
    } catch (thrown) {
      if (!isTaken(thrown)) throw thrown;
    }
  }
  throw new Error(`every name for ${keys[0]} is taken`);
}
