import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { DerivedFile } from '../domain/derived-file.ts';
import { decodeTable, placeOfTable, type Table, TRAILER_BYTES } from './table.ts';

/** Bytes of JSON; the largest segment that is made has some 5 MB. */
const MOST_SEGMENT = 64 * 1024 * 1024;

/** `use` of an index; null when there is none. */
async function withFile<T>(
  file: DerivedFile,
  use: (
    read: (at: number, length: number) => Promise<Buffer<ArrayBuffer>>,
    size: number,
  ) => Promise<T>,
): Promise<T | null> {
  const opened = await file.open();
  if (opened === null) return null;
  try {
    const read = async (at: number, length: number) => {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await opened.read(bytes, 0, length, at);
      return bytes.subarray(0, bytesRead);
    };
    return await use(read, await opened.size());
  } finally {
    await opened.close();
  }
}

/** Null: there is no index, or it is damaged: then it is to be made anew. */
export function readTable(file: DerivedFile): Promise<Table | null> {
  return withFile(file, async (read, size) => {
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
  file: DerivedFile,
  table: Table,
  segment: number,
): Promise<Buffer<ArrayBuffer> | null> {
  const end = table.ends[segment];
  if (end === undefined) return null;
  const from = segment === 0 ? 0 : (table.ends[segment - 1] ?? 0);
  const bytes = await withFile(file, (read) => read(from, end - from));
  return bytes?.length === end - from && (await isWhole(bytes)) ? bytes : null;
}
