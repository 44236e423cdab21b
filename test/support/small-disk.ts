import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { describe } from 'vitest';
import { eventually } from './eventually.ts';
import { scratch } from './scratch.ts';

/** A file system of its own, of some size, in memory. */
export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Only while no file of it is being written. */
  readOnly(): void;
  /** Takes `bytes` of it, in a file; the function answered gives them back. */
  take(bytes: number): () => void;
}

function mount(...args: readonly string[]): void {
  execFileSync('mount', args, { stdio: 'ignore' });
}

/** Mounts one at `path`, which is made; `size` as `1m`. Throws where this user may not. */
export function smallDisk(path: string, size: string): SmallDisk {
  mkdirSync(path);
  mount('-t', 'tmpfs', '-o', `size=${size}`, 'none', path);
  let taken = 0;
  return {
    path,
    readOnly: () => mount('-o', 'remount,ro', path),
    take(bytes) {
      taken += 1;
      const file = join(path, `taken-${taken}`);
      writeFileSync(file, Buffer.alloc(bytes));
      return () => rmSync(file);
    },
    [Symbol.dispose]: () => execFileSync('umount', ['-l', path]),
  };
}

/** An ext4 of 32 MB in a file, which can fail as a disk does. */
export interface FailingDisk extends Disposable {
  readonly path: string;
  /** Read-only from now on, in the middle of whatever is written: as ext4 does after an error. */
  fail(): void;
  /**
   * As new, with what it had written, once nobody has a file of it open any more: until then it would be
   * the same one again.
   */
  mend(): Promise<void>;
}

/** Mounts one at `path`, which is made, with `path`.image beside it. Throws where this user may not. */
export function failingDisk(path: string): FailingDisk {
  const image = `${path}.image`;
  mkdirSync(path);
  writeFileSync(image, '');
  truncateSync(image, 32 * 2 ** 20);
  execFileSync('/sbin/mkfs.ext4', ['-q', '-F', image], { stdio: 'ignore' });
  const attach = (): void => mount('-o', 'loop', image, path);
  const detach = (): Buffer => execFileSync('umount', ['-l', path]);
  attach();
  return {
    path,
    fail: () => mount('-o', 'remount,abort', path),
    async mend() {
      await eventually('nobody has a file of the disk open', () => isDetached(path));
      attach();
    },
    [Symbol.dispose]: detach,
  };
}

function isDetached(path: string): boolean {
  return spawnSync('umount', [path], { stdio: 'ignore' }).status === 0;
}

function mayMount(open: (path: string) => Disposable): boolean {
  if (getuid?.() !== 0) return false;
  using place = scratch();
  try {
    open(place.join('disk'))[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

function suites(open: (path: string) => Disposable, what: string) {
  const name = (of: string): string => `${of} (skipped: this user may not mount ${what})`;
  return mayMount(open)
    ? { describe: (of: string, body: () => void): void => void describe(of, body) }
    : { describe: (of: string, body: () => void): void => void describe.skip(name(of), body) };
}

/** `describe`, skipped by name where this user may not mount a tmpfs. */
export const withSmallDisks = suites((path) => smallDisk(path, '64k'), 'a tmpfs');

/** `describe`, skipped by name where this user may not mount a file as ext4. */
export const withFailingDisks = suites(failingDisk, 'a file as ext4');
