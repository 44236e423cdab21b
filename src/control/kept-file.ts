import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * The text of a small file in the data directory that only its owner may read, made on first use.
 * Whole or not at all, after a loss of power too, and of two processes that make it at once both get
 * the same. Throws when others may read it: what was secret may not be secret any more.
 */
export function keptFile(path: string, make: () => string): string {
  const found = readKept(path);
  if (found !== null) return found;
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, make(), { mode: 0o600, flush: true });
  chmodSync(draft, 0o600);
  try {
    // Unlike a rename, a link does not replace what another process has made meanwhile.
    linkSync(draft, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  // Also what another process made: what is sealed under it must not outlive it.
  settle(dirname(path));
  return readKept(path) ?? '';
}

/** A file, or the names in a directory, that outlive a loss of power from now on. */
export function settle(path: string): void {
  const opened = openSync(path, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** As keptFile; null: it is not there. */
export function readKept(path: string): string | null {
  try {
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new Error(
        `${path} can be read by others (mode ${mode.toString(8)}); make it yours alone: chmod 600 ${path}`,
      );
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
