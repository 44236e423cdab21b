/**
 * Bytes that are read by position: those of a file, or what was put in a file that is encrypted. One
 * call at a time. Implemented by envelope/file-bytes.ts and envelope/encrypted-bytes.ts.
 */
export interface PositionedBytes {
  /** How many there are now; there may be more later. */
  size(): Promise<number>;
  /** Up to `length` bytes from `position` on, put at `offset`; 0: there are none (yet). */
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}
