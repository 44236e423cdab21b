import { constants, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { decodeTable, placeOfTable, type Table, TRAILER_BYTES } from './table.ts';

/** Bytes of JSON; the largest segment that is made has some 5 MB. */
const MOST_SEGMENT = 64 * 1024 * 1024;

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** `use` of an open file; null when there is none, or it is no plain file. */
async function withFile<T>(
  path: string,
  use: (
    read: (at: number, length: number) => Promise<Buffer<ArrayBuffer>>,
    size: number,
  ) => Promise<T>,
): Promise<T | null> {
  const handle = await open(path, FLAGS).catch(() => null);
  if (handle === null) return null;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return null;
    const read = async (at: number, length: number) => {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await handle.read(bytes, 0, length, at);
      return bytes.subarray(0, bytesRead);
    };
    return await use(read, stats.size);
  } finally {
    await handle.close();
  }
}

/** Null: there is no index, or it is damaged: then it is to be made anew. */
export function readTable(path: string): Promise<Table | null> {
  return withFile(path, async (read, size) => {
    if (size < TRAILER_BYTES) return null;
    const place = placeOfTable(await read(size - TRAILER_BYTES, TRAILER_BYTES), size);
    if (place === null) return null;
    return decodeTable(await read(place.at, place.length), place.at);
  });
}

async function isWhole(packed: Buffer): Promise<boolean> {
  return promisify(gunzip)(packed, { maxOutputLength: MOST_SEGMENT }).then(
    () => true,
    () => false,
  );
}

/** A segment as it lies, compressed; null: it is damaged or not there. */
export async function readSegment(
  path: string,
  table: Table,
  segment: number,
): Promise<Buffer<ArrayBuffer> | null> {
  const end = table.ends[segment];
  if (end === undefined) return null;
  const from = segment === 0 ? 0 : (table.ends[segment - 1] ?? 0);
  const bytes = await withFile(path, (read) => read(from, end - from));
  return bytes?.length === end - from && (await isWhole(bytes)) ? bytes : null;
}
