import type { RecordingKeys } from '../domain/recording-keys.ts';
import type { RedactionRules } from '../domain/redaction.ts';

/** What the thread is started with. */
export interface BuildSettings {
  /** Where the recordings lie. */
  readonly root: string;
  readonly keys: RecordingKeys;
  readonly key: string;
  /** Null: of the recording as it is; else of how it is shown by these. */
  readonly rules: RedactionRules | null;
}

/** What it says; after the last two it ends. */
export type FromBuild =
  | { readonly type: 'progress'; readonly progress: number }
  | { readonly type: 'built' }
  | { readonly type: 'failed'; readonly reason: string };
