import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatId } from '../domain/ids.ts';
import { printable } from '../domain/log.ts';
import type { RecordingStart } from '../domain/recording.ts';

/** Letters, digits and a few signs between single slashes; no part begins with a dot. */
const KEY = /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/;
const LONGEST_KEY = 255;

/** `2026/11/22/sess_12-1.cast` (UTC); `copy` above 1 where a file of that name lies there already. */
export function recordingKey(start: RecordingStart, copy = 1): string {
  const day = start.startedAt.toISOString().slice(0, 10).replaceAll('-', '/');
  const name = `${formatId('sess', start.sessionId)}-${start.channel}`;
  return `${day}/${name}${copy === 1 ? '' : `.${copy}`}.cast`;
}

/** The `12` of `sess_12-1.cast`, for error messages; the key itself where it has another form. */
export function sessionOfKey(key: string): string {
  return /\/sess_(\d+)-\d+(?:\.\d+)?\.cast$/.exec(key)?.[1] ?? printable(key);
}

/**
 * The path of a key under `root`. Throws when the key could lead out of it:
 * `..`, an absolute path, NUL and everything else that no recorder has made.
 */
export function pathOfKey(root: string, key: string): string {
  if (key.length > LONGEST_KEY || !KEY.test(key)) {
    throw new Error(`not the key of a recording: ${printable(key)}`);
  }
  return join(root, key);
}

/** Rejects when the directory that `path` lies in is, by way of a symbolic link, another one. */
export async function assertNoLinks(path: string): Promise<void> {
  const directory = dirname(path);
  if ((await realpath(directory)) !== directory) {
    throw new Error('a directory of the recordings is a symbolic link');
  }
}
