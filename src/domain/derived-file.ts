import type { PositionedBytes } from './positioned-bytes.ts';

/**
 * A file beside a recording that was made of it: as secret as the recording, so encrypted where that is.
 * It proves nothing, and can be deleted at any time. Implemented by recorder/derived.ts.
 */
export interface DerivedFile {
  /** Null: there is none, or nothing here opens it. The caller closes it. */
  open(): Promise<PositionedBytes | null>;
  /** Puts what `write` appends in its place, once that is whole and on disk. */
  replace(write: (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>): Promise<void>;
  remove(): Promise<void>;
}
