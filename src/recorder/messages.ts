import type { RecordingReceipt } from '../domain/recording.ts';
import type { RecordingEncryption } from '../domain/recording-keys.ts';
import type { Seal } from '../domain/seal.ts';
import type { TerminalSize } from './encoder.ts';

/** What the gateway's thread tells the recorder's. */
export type ToWorker =
  /** `keys` are tried in turn until one is free. */
  | {
      readonly type: 'open';
      readonly channel: number;
      readonly keys: readonly string[];
      readonly header: string;
      readonly cap: number | null;
      readonly typed: TerminalSize | null;
    }
  /** Transferred: the worker owns `buffer` until it sends it back. */
  | { readonly type: 'frames'; readonly buffer: ArrayBuffer; readonly used: number }
  /** Nobody waits for this one: close it as it is; remove it when nothing was recorded yet. */
  | { readonly type: 'abandon'; readonly channel: number };

/** Why a file could not be made or written: for the log. */
export interface FileTrouble {
  readonly code: string | null;
  readonly message: string;
}

export type FromWorker =
  | { readonly type: 'opened'; readonly channel: number; readonly key: string }
  | { readonly type: 'refused'; readonly channel: number; readonly trouble: FileTrouble }
  | { readonly type: 'spare'; readonly buffer: ArrayBuffer }
  /** Bytes of frames (headers included) that the operating system has taken, a channel. */
  | { readonly type: 'written'; readonly counts: readonly (readonly [number, number])[] }
  /** A part is sealed, and on disk with its seal. */
  | { readonly type: 'sealed'; readonly channel: number; readonly seal: Seal }
  | { readonly type: 'ended'; readonly channel: number; readonly receipt: RecordingReceipt }
  | { readonly type: 'failed'; readonly channel: number; readonly trouble: FileTrouble };

/** Given to the worker when it starts. */
export interface WorkerSettings {
  /** A real path. */
  readonly root: string;
  /** Milliseconds between the first write to a file and its fdatasync. */
  readonly syncDelay: number;
  /** The private key that parts are sealed with, as PEM. */
  readonly sealingKey: string;
  /** Null: recordings are not encrypted. */
  readonly encryption: RecordingEncryption | null;
}
