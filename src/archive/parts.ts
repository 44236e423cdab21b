import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { type Digest, Digesting } from './digest.ts';

const MB = 1024 * 1024;

/** S3 takes parts of 5 MiB and more, and 10 000 of them. */
const SMALL = 8 * MB;
const SMALL_ONES = 2000;
const LARGE = 32 * MB;
const MOST_PARTS = 10_000;

/** Bytes that are hashed in one turn: others wait for this thread. */
const SLICE = 256 * 1024;

/** Bytes of the largest recording that fits. */
export const MOST_BYTES = SMALL_ONES * SMALL + (MOST_PARTS - SMALL_ONES) * LARGE;

/** Bytes of a part, from 1; the last of a recording has what is left. */
export function partBytes(number: number): number {
  return number <= SMALL_ONES ? SMALL : LARGE;
}

/** Where the parts of a file of `bytes` end. */
export function* partEnds(bytes: number): Generator<number> {
  let end = 0;
  for (let number = 1; end < bytes; number += 1) {
    end = Math.min(bytes, end + partBytes(number));
    yield end;
  }
}

/** Reads a piece of a file; throws when it ends before. */
export async function readPart(
  handle: FileHandle,
  from: number,
  to: number,
): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly digest: Digest }> {
  const body = new Uint8Array(to - from);
  const digesting = new Digesting();
  for (let at = 0; at < body.length; at += SLICE) {
    const slice = body.subarray(at, at + SLICE);
    await readSlice(handle, slice, from + at);
    digesting.add(slice);
    await turn();
  }
  return { body, digest: digesting.done() };
}

/** The SHA-256 (hex) of a file, and the digests of its parts, without holding them. */
export async function digestParts(
  handle: FileHandle,
  bytes: number,
): Promise<{ readonly sha256: string; readonly parts: readonly Digest[] }> {
  const whole = createHash('sha256');
  const parts: Digest[] = [];
  const buffer = new Uint8Array(SLICE);
  let at = 0;
  for (const end of partEnds(bytes)) {
    const part = new Digesting();
    for (; at < end; ) {
      const slice = buffer.subarray(0, Math.min(SLICE, end - at));
      await readSlice(handle, slice, at);
      whole.update(slice);
      part.add(slice);
      at += slice.length;
      await turn();
    }
    parts.push(part.done());
  }
  return { sha256: whole.digest('hex'), parts };
}

async function readSlice(handle: FileHandle, slice: Uint8Array, at: number): Promise<void> {
  for (let read = 0; read < slice.length; ) {
    const { bytesRead } = await handle.read(slice, read, slice.length - read, at + read);
    if (bytesRead === 0) throw new Error(`the file ends at ${at + read}`);
    read += bytesRead;
  }
}
