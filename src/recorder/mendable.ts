import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { PositionedBytes } from '../domain/positioned-bytes.ts';
import type { EncryptedBytes } from '../envelope/encrypted-bytes.ts';
import { RecordSealer } from '../envelope/record.ts';
import type { SealedWith } from './open-cast.ts';
import { writeFully } from './write-fully.ts';

const BLOCK = 256 * 1024;

/** A recording's file as repair needs it: read as what was recorded, cut and continued as it lies. */
export interface Mendable {
  readonly cast: PositionedBytes;
  /** Bytes of the asciicast, and of what lies behind it in the file. */
  length(): Promise<number>;
  /** Keeps the first `from` bytes of the asciicast and puts `tail` behind them; on disk when it resolves. */
  continueAt(from: number, tail: Buffer): Promise<void>;
}

export class PlainMendable implements Mendable {
  readonly cast: PositionedBytes;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, cast: PositionedBytes) {
    this.#handle = handle;
    this.cast = cast;
  }

  length(): Promise<number> {
    return this.cast.size();
  }

  async continueAt(from: number, tail: Buffer): Promise<void> {
    await this.#handle.truncate(from);
    await writeFully(this.#handle, tail, from);
    await this.#handle.datasync();
  }
}

export class EncryptedMendable implements Mendable {
  readonly cast: EncryptedBytes;
  readonly #handle: FileHandle;
  readonly #sealed: SealedWith;

  constructor(handle: FileHandle, cast: EncryptedBytes, sealed: SealedWith) {
    this.#handle = handle;
    this.cast = cast;
    this.#sealed = sealed;
  }

  async length(): Promise<number> {
    const { end, rest } = await this.cast.survey();
    return end.text + rest;
  }

  /**
   * Records end with lines, so `from` is the beginning of one, but where a line is longer than a record, or
   * a note was parted from its event: then what is kept of the record is written again.
   */
  async continueAt(from: number, tail: Buffer): Promise<void> {
    const spot = await this.cast.spotOf(from);
    const kept = Buffer.alloc(from - spot.text);
    const { bytesRead } = await this.cast.read(kept, 0, kept.length, spot.text);
    if (bytesRead < kept.length) throw new Error('the file became shorter while it was repaired');
    const link = await this.cast.linkOf(spot);
    const sealer = new RecordSealer(this.#sealed.dataKey, this.#sealed.envelope, link);
    await this.#handle.truncate(spot.at);
    await writeFully(this.#handle, sealer.seal(Buffer.concat([kept, tail])), spot.at);
    await this.#handle.datasync();
  }
}

/** Of a file as it lies. */
export async function digestOf(
  handle: FileHandle,
): Promise<{ readonly size: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafe(BLOCK);
  for (let size = 0; ; ) {
    const { bytesRead } = await handle.read(block, 0, BLOCK, size);
    if (bytesRead === 0) return { size, sha256: hash.digest('hex') };
    hash.update(block.subarray(0, bytesRead));
    size += bytesRead;
  }
}
