import type { GeneratedAlways } from 'kysely';
import type { RecordingState } from '../domain/recording.ts';
import type { Defaulted, Fixed } from './column.ts';

export interface RecordingTable {
  id: GeneratedAlways<number>;
  session_id: Fixed<number>;
  channel: Fixed<number>;
  key: Fixed<string>;
  state: Defaulted<RecordingState>;
  size: number | null;
  duration: number | null;
  sha256: string | null;
  recorded_bytes: number | null;
  tampered_at: Date | null;
  removed_at: Date | null;
  removed_by: string | null;
  archive: 'sending' | 'kept' | null;
  archive_bytes: number | null;
  archive_sha256: string | null;
  archive_size: number | null;
  archive_modified_at: Date | null;
  archive_refusal: string | null;
  started_at: Fixed<Date>;
  ended_at: Date | null;
}

export interface RecordingSealTable {
  recording_id: Fixed<number>;
  part: Fixed<number>;
  end_offset: Fixed<number>;
  hash: Fixed<string>;
  line: Fixed<string>;
  /** Whose session it is of; '' for seals older than this column. */
  node: Fixed<string>;
  number: GeneratedAlways<number>;
}

export interface SealSinkTable {
  sink: Fixed<string>;
  node: Fixed<string>;
  delivered: number;
}

export interface SealingKeyTable {
  id: Fixed<string>;
  public_pem: Fixed<string>;
  created_at: Defaulted<Date>;
}
