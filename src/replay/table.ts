import { gunzipSync, gzipSync } from 'node:zlib';
import type { ReplayIndex } from '../domain/replay.ts';

/** Another form has another number. */
const VERSION = 2;
const MAGIC = Buffer.from('PSTNRPL1');
/** MAGIC, where the table begins (8 bytes) and how long it is (4). */
export const TRAILER_BYTES = MAGIC.length + 12;
/** Bytes of the largest table that is read. */
const MOST_BYTES = 64 * 1024 * 1024;

/** A recording's file, as it was when the index was made. */
export interface Source {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** By which it is shown; null: it is that of the recording as it is. */
  readonly rules: string | null;
}

/** What stands at the end of an index's file, behind the segments. */
export interface Table extends ReplayIndex {
  readonly source: Source;
  /** Where each segment ends in the file; the first begins at 0. */
  readonly ends: readonly number[];
}

/** The table and the trailer, for a file whose segments end at `at`. */
export function encodeTable(table: Table, at: number): Buffer {
  const packed = gzipSync(JSON.stringify({ version: VERSION, ...table }));
  const trailer = Buffer.alloc(TRAILER_BYTES);
  MAGIC.copy(trailer);
  trailer.writeBigUInt64BE(BigInt(at), MAGIC.length);
  trailer.writeUInt32BE(packed.length, MAGIC.length + 8);
  return Buffer.concat([packed, trailer]);
}

/** Where the table lies in a file of `size` bytes; null: the trailer is none of ours. */
export function placeOfTable(trailer: Buffer, size: number): { at: number; length: number } | null {
  if (trailer.length !== TRAILER_BYTES || !trailer.subarray(0, MAGIC.length).equals(MAGIC)) {
    return null;
  }
  const at = Number(trailer.readBigUInt64BE(MAGIC.length));
  const length = trailer.readUInt32BE(MAGIC.length + 8);
  const fits = length <= MOST_BYTES && at + length + TRAILER_BYTES === size;
  return fits ? { at, length } : null;
}

function isAscending(numbers: unknown): numbers is number[] {
  if (!Array.isArray(numbers) || numbers.length === 0) return false;
  return numbers.every((one, at) => Number.isFinite(one) && (at === 0 || one > numbers[at - 1]));
}

/** Null: it is damaged, of another version, or does not fit the segments, which end at `at`. */
export function decodeTable(packed: Buffer, at: number): Table | null {
  try {
    const text = gunzipSync(packed, { maxOutputLength: MOST_BYTES }).toString('utf8');
    const { version, ...table }: Table & { version: unknown } = JSON.parse(text);
    const { starts, ends, source } = table;
    if (version !== VERSION || !isAscending(starts) || !isAscending(ends)) return null;
    if (starts[0] !== 0 || ends.length !== starts.length || ends.at(-1) !== at) return null;
    const isOurs = typeof table.build === 'string' && typeof source.size === 'number';
    return isOurs ? table : null;
  } catch {
    return null;
  }
}
