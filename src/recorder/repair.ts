import { createHash } from 'node:crypto';
import { constants, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { reasonOf } from '../domain/log.ts';
import type { RecordingReceipt } from '../domain/recording.ts';
import { openCast } from './cast-reader.ts';
import { EventTimes, isSkipped, parseEvent, type RawEvent } from './event.ts';
import { parseHeader } from './header.ts';
import { type Line, linesOf } from './lines.ts';

/** What became of a recording that a crash had left open. */
export type Repair =
  /** `cut`: bytes that were taken off the end, half a line of the last write mostly. */
  | {
      readonly key: string;
      readonly outcome: 'recovered';
      readonly cut: number;
      readonly receipt: RecordingReceipt;
    }
  | { readonly key: string; readonly outcome: 'missing' }
  /** The file is as it was. */
  | { readonly key: string; readonly outcome: 'damaged'; readonly reason: string };

/**
 * Cuts recordings that nobody writes any more to their last whole line. One after the other, in
 * bounded memory; what cannot be repaired is a result, never an error, and never changed.
 */
export async function repairRecordings(
  root: string,
  keys: readonly string[],
): Promise<readonly Repair[]> {
  const repairs: Repair[] = [];
  for (const key of keys) repairs.push(await repairOne(root, key));
  return repairs;
}

/** As `repairRecordings`, of one; null: nothing is left of it that could be played. */
export async function repairRecording(root: string, key: string): Promise<RecordingReceipt | null> {
  const repair = await repairOne(root, key);
  return repair.outcome === 'recovered' ? repair.receipt : null;
}

async function repairOne(root: string, key: string): Promise<Repair> {
  try {
    const cast = await openCast(resolve(root), key, constants.O_RDWR);
    if (cast === null) return { key, outcome: 'missing' };
    try {
      return await repairFile(key, cast.handle, cast.stats.size);
    } finally {
      await cast.handle.close();
    }
  } catch (thrown) {
    return { key, outcome: 'damaged', reason: reasonOf(thrown) };
  }
}

async function repairFile(key: string, handle: FileHandle, size: number): Promise<Repair> {
  const survey = new Survey();
  for await (const line of linesOf(handle)) {
    if (!survey.add(line)) break;
  }
  if (survey.end === 0) {
    return { key, outcome: 'damaged', reason: 'the first line is no asciicast header' };
  }
  const cut = size - survey.end;
  if (cut > 0) await handle.truncate(survey.end);
  await handle.datasync();
  return { key, outcome: 'recovered', cut, receipt: survey.receipt(key) };
}

/** Reads a file's lines up to the first that is not whole, and adds up what a receipt says. */
class Survey {
  readonly #hash = createHash('sha256');
  #times: EventTimes | null = null;
  /** Where the last whole line ends. */
  end = 0;
  #duration = 0;
  #recordedBytes = 0;
  #lastOutput = 0;

  /** False: this line is no whole one. */
  add({ bytes, end }: Line): boolean {
    const text = bytes.toString('utf8');
    if (this.#times === null) {
      const header = parseHeader(text);
      if (header === null) return false;
      this.#times = new EventTimes(header.version);
    } else if (!isSkipped(text)) {
      const event = parseEvent(text);
      if (event === null) return false;
      this.#duration = this.#times.of(event);
      this.#count(event);
    }
    this.#hash.update(bytes).update('\n');
    this.end = end;
    return true;
  }

  receipt(key: string): RecordingReceipt {
    return {
      key,
      size: this.end,
      recordedBytes: this.#recordedBytes,
      duration: this.#duration,
      sha256: this.#hash.digest('hex'),
    };
  }

  /** A `B` says which bytes the `o` before it really was. */
  #count({ code, data }: RawEvent): void {
    if (code === 'o') {
      this.#lastOutput = Buffer.byteLength(data);
      this.#recordedBytes += this.#lastOutput;
    } else if (code === 'B') {
      this.#recordedBytes += Buffer.from(data, 'base64').length - this.#lastOutput;
      this.#lastOutput = 0;
    }
  }
}
