import type { FileHandle } from 'node:fs/promises';
import type { PositionedBytes } from '../domain/positioned-bytes.ts';

/** A file's bytes as they lie. */
export class FileBytes implements PositionedBytes {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number) {
    return this.#handle.read(buffer, offset, length, position);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
