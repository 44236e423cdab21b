import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { RecordingFiles, RecordingOrigin } from '../domain/recording.ts';
import type { KeptDataKeys } from '../domain/recording-keys.ts';
import type { KeyRing } from '../envelope/key-ring.ts';
import { forgetDataKey } from '../envelope/node-key.ts';
import { identityOf, parseHeader } from '../recorder/header.ts';
import { pathOfKey } from '../recorder/key.ts';
import { linesOf } from '../recorder/lines.ts';
import { openCast, readableOf } from '../recorder/open-cast.ts';

/**
 * How many days with recordings count as the newest: rows are missing of the time that the database was
 * away before the process died, and no session begins in that.
 */
const NEWEST_DAYS = 3;

/** What envelope/node-key.ts puts beside a recording. */
const KEPT = /^(sess_(\d+)-\d+(?:\.\d+)?\.cast)\.open(?:\.new)?$/;

/** The files of recordings under a directory; where there is none yet, there are none. */
export function recordingFiles(root: string, ring: KeyRing): RecordingFiles {
  const directory = resolve(root);
  return {
    newest: () => newest(directory),
    origin: (key) => origin(directory, ring, key),
  };
}

/** As recorder/key.ts makes them: `2026/11/22/sess_12-1.cast`. */
async function newest(root: string): Promise<readonly string[]> {
  const keys: string[] = [];
  let days = 0;
  for await (const day of daysOf(root)) {
    const names = await namesIn(root, day, /^sess_\d+-\d+(?:\.\d+)?\.cast$/);
    keys.push(...names.map((name) => `${day}/${name}`));
    days += 1;
    if (days === NEWEST_DAYS) break;
  }
  return keys;
}

/** Days that have a directory, the newest first. */
async function* daysOf(root: string): AsyncGenerator<string> {
  for (const year of await namesIn(root, '', /^\d{4}$/)) {
    for (const month of await namesIn(root, year, /^\d{2}$/)) {
      const path = `${year}/${month}`;
      for (const day of await namesIn(root, path, /^\d{2}$/)) yield `${path}/${day}`;
    }
  }
}

/** The last in the order of the alphabet first. */
async function namesIn(root: string, path: string, form: RegExp): Promise<readonly string[]> {
  try {
    const names = await readdir(join(root, path));
    return names.filter((name) => form.test(name)).sort((a, b) => (a < b ? 1 : -1));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Of the recordings under a directory. */
export function keptDataKeys(root: string, log: Logger): KeptDataKeys {
  const directory = resolve(root);
  return {
    list: async () => {
      const kept: { key: string; sessionId: number }[] = [];
      for await (const day of daysOf(directory)) {
        for (const name of await namesIn(directory, day, KEPT)) {
          const [, cast = '', session = ''] = KEPT.exec(name) ?? [];
          kept.push({ key: `${day}/${cast}`, sessionId: Number(session) });
        }
      }
      return kept;
    },
    forget: (key) =>
      forgetDataKey(pathOfKey(directory, key)).catch((error: unknown) => {
        log.error('the data key of a recording could not be removed', {
          key,
          reason: reasonOf(error),
        });
      }),
  };
}

async function origin(root: string, ring: KeyRing, key: string): Promise<RecordingOrigin | null> {
  const cast = await openCast(root, key);
  if (cast === null) return null;
  try {
    const readable = await readableOf(cast, ring);
    if (readable.type === 'locked') return null;
    const first = await linesOf(readable.bytes).next();
    const line = first.done ? '' : first.value.bytes.toString('utf8');
    const [identity, header] = [identityOf(line), parseHeader(line)];
    if (identity === null || header?.timestamp == null) return null;
    const { session: sessionId, channel } = identity;
    return { sessionId, channel, startedAt: new Date(header.timestamp * 1000) };
  } finally {
    await cast.handle.close();
  }
}
