import type { PositionedBytes } from '../domain/positioned-bytes.ts';

/** Bytes of the longest line that is read; the longest that the recorder writes is below 2 MB. */
export const LONGEST_LINE = 4 * 1024 * 1024;

const BLOCK = 64 * 1024;
const NEWLINE = 0x0a;

export interface Line {
  /** Without its newline. */
  readonly bytes: Buffer;
  /** Where the next line begins. */
  readonly end: number;
}

/**
 * The whole lines of a recording, one after the other; what comes after the last newline, or a line that
 * is too long, ends it. Holds a line and a block at a time.
 */
export async function* linesOf(cast: Pick<PositionedBytes, 'read'>): AsyncGenerator<Line> {
  const block = Buffer.allocUnsafe(BLOCK);
  let parts: Buffer[] = [];
  let held = 0;
  let at = 0;
  for (;;) {
    const { bytesRead } = await cast.read(block, 0, BLOCK, at);
    if (bytesRead === 0) return;
    let from = 0;
    let cut = block.subarray(0, bytesRead).indexOf(NEWLINE);
    while (cut !== -1) {
      yield { bytes: Buffer.concat([...parts, block.subarray(from, cut)]), end: at + cut + 1 };
      parts = [];
      held = 0;
      from = cut + 1;
      cut = block.subarray(0, bytesRead).indexOf(NEWLINE, from);
    }
    parts.push(Buffer.from(block.subarray(from, bytesRead)));
    held += bytesRead - from;
    if (held > LONGEST_LINE) return;
    at += bytesRead;
  }
}

/** Where the last whole line of the first `size` bytes ends; 0 when none does. */
export async function endOfLastLine(
  cast: Pick<PositionedBytes, 'read'>,
  size: number,
): Promise<number> {
  const block = Buffer.allocUnsafe(BLOCK);
  let to = size;
  while (to > 0 && size - to <= LONGEST_LINE) {
    const from = Math.max(0, to - BLOCK);
    const { bytesRead } = await cast.read(block, 0, to - from, from);
    const cut = block.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (cut !== -1) return from + cut + 1;
    to = from;
  }
  return 0;
}
