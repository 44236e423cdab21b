import type { FileHandle } from 'node:fs/promises';

/** Writes all of `bytes` at `position`: one write may take only some of them. */
export async function writeFully(
  handle: FileHandle,
  bytes: Buffer,
  position: number,
): Promise<void> {
  let from = 0;
  while (from < bytes.length) {
    const left = bytes.length - from;
    const { bytesWritten } = await handle.write(bytes, from, left, position + from);
    from += bytesWritten;
  }
}
