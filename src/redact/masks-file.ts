import { constants, open, readFile, rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { RecordingView } from '../domain/recording.ts';
import { shown } from './masker.ts';
import { Masks } from './masks.ts';
import type { RuleSet } from './rule-set.ts';

/** Another form has another number. */
const VERSION = 2;

/** Bytes of the largest file that is read, unpacked. */
const MOST_BYTES = 32 * 1024 * 1024;

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** What was found in a recording, and in which one; it names places, and says nothing of what stands there. */
export interface FoundMasks {
  /** Of the rules. */
  readonly rules: string;
  /** Bytes of the recording, and its time of change in milliseconds since 1970. */
  readonly size: number;
  readonly modified: number;
  /** How many events were looked at. */
  readonly events: number;
  /** See Masks.toNumbers. */
  readonly numbers: readonly number[];
  /** See RecordingView.secretTimes. */
  readonly times: readonly number[];
}

/** Puts it in the place of another one that may be there. */
export async function writeMasks(path: string, found: FoundMasks): Promise<void> {
  const temporary = `${path}.tmp`;
  // What a crash has left.
  await rm(temporary, { force: true });
  const packed = await promisify(gzip)(JSON.stringify({ version: VERSION, ...found }));
  const handle = await open(temporary, NEW_FILE, 0o600);
  try {
    await handle.writeFile(packed);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}

/** A recording as it is shown through the masks in `path`, found by these rules. Rejects when they are not there. */
export async function viewThrough(path: string, rules: RuleSet): Promise<RecordingView> {
  const found = await readMasks(path);
  if (found?.rules !== rules.id) throw new Error('it was not looked through by these rules');
  const masks = Masks.fromNumbers(found.numbers);
  return {
    rules: rules.id,
    text: (text) => rules.hide(text),
    secretTimes: found.times,
    show: (events) => shown(events, masks, found.events),
  };
}

function isFound(value: unknown): value is FoundMasks & { readonly version: number } {
  if (typeof value !== 'object' || value === null || !('numbers' in value)) return false;
  const { numbers } = value;
  return Array.isArray(numbers) && numbers.every((one) => Number.isSafeInteger(one));
}

/** Null: there is none, or it is damaged: then it is to be made anew. */
export async function readMasks(path: string): Promise<FoundMasks | null> {
  try {
    const packed = await readFile(path, { flag: constants.O_RDONLY | constants.O_NOFOLLOW });
    const text = await promisify(gunzip)(packed, { maxOutputLength: MOST_BYTES });
    const value: unknown = JSON.parse(text.toString('utf8'));
    return isFound(value) && value.version === VERSION ? value : null;
  } catch {
    return null;
  }
}
