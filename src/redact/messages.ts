import type { RecordingKeys } from '../domain/recording-keys.ts';
import type { RedactionRules } from '../domain/redaction.ts';

export interface WorkerSettings {
  /** Where the recordings lie. */
  readonly root: string;
  /** What opens those that are encrypted. */
  readonly keys: RecordingKeys;
  readonly rules: RedactionRules;
}

/** A recording to look through; `path` is for what is found, null where it goes on and will be another soon. */
export interface Job {
  readonly key: string;
  readonly path: string | null;
  readonly size: number;
  readonly modified: number;
}

/** After the last two the next job may come. */
export type FromWorker =
  | { readonly type: 'progress'; readonly progress: number }
  | {
      readonly type: 'found';
      readonly events: number;
      readonly numbers: readonly number[];
      readonly times: readonly number[];
    }
  | { readonly type: 'failed'; readonly reason: string };
