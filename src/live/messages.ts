import type { LiveEnd } from '../domain/live.ts';
import type { RecordingKeys } from '../domain/recording-keys.ts';
import type { RedactionRules } from '../domain/redaction.ts';

export interface WorkerSettings {
  /** The directory of the recordings. */
  readonly root: string;
  /** For viewers who may not see what is secret. */
  readonly rules: RedactionRules;
  /** What opens recordings that are encrypted; left out: nothing. */
  readonly keys?: RecordingKeys;
}

/** Frames one behind the other in one buffer; `ends` has where each of them ends. */
export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: readonly number[];
}

/**
 * To the thread; `stream` is a number that is used once. `redacted`: screens alone, without what is secret on
 * them.
 */
export type ToWorker = { readonly stream: number } & (
  | { readonly type: 'follow'; readonly key: string; readonly redacted: boolean }
  /** Somebody wants the screen as it is. */
  | { readonly type: 'look' }
  /** One `frames` has been handed on. */
  | { readonly type: 'taken' }
  /** Nobody writes the recording any more. */
  | { readonly type: 'finish' }
  | { readonly type: 'drop' }
);

/** From the thread. After `ended` and `failed` nothing more comes of a stream. */
export type FromWorker = {
  readonly stream: number;
} /** For who has seen all that came before. */ & (
  | { readonly type: 'frames'; readonly frames: Packed }
  /** For who asked; with `all`, for everybody: what came before does not lead here. */
  | { readonly type: 'screen'; readonly frames: Packed; readonly all: boolean }
  /** `last` for who has seen all that came before, `screen` before it for the others. */
  | {
      readonly type: 'ended';
      readonly how: LiveEnd;
      readonly screen: Packed;
      readonly last: Packed;
    }
  | { readonly type: 'failed'; readonly reason: string }
);

export function packed(frames: readonly Uint8Array[]): Packed {
  const bytes = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  const ends: number[] = [];
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
    ends.push(at);
  }
  return { bytes, ends };
}

export function* unpacked({ bytes, ends }: Packed): Generator<Uint8Array> {
  let from = 0;
  for (const end of ends) {
    yield bytes.subarray(from, end);
    from = end;
  }
}
