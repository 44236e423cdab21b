import type { GeneratedAlways } from 'kysely';
import type {
  AnalysisState,
  CommandSource,
  Confidence,
  TranscriptKind,
  TranscriptStream,
} from '../domain/analysis.ts';
import type { Defaulted, Fixed } from './column.ts';

export interface RecordingAnalysisTable {
  recording_id: Fixed<number>;
  state: Defaulted<AnalysisState>;
  version: Defaulted<number>;
  reason: string | null;
  changed_at: Defaulted<Date>;
}

export interface CommandTable {
  id: GeneratedAlways<number>;
  recording_id: Fixed<number>;
  session_id: Fixed<number>;
  /** As in the session when it was written, as `machine_id`. */
  user_id: number | null;
  machine_id: number | null;
  channel: Fixed<number>;
  number: Fixed<number>;
  /** When it began, from the clock. */
  at: Date;
  /** Seconds after the recording's start, as `ends`. */
  starts: number;
  ends: number | null;
  body: string;
  /** As it is searched; null: it is not to be found. */
  folded: string | null;
  exit_status: number | null;
  cwd: string | null;
  source: CommandSource;
  confidence: Confidence;
}

export interface TranscriptBlockTable {
  id: GeneratedAlways<number>;
  recording_id: Fixed<number>;
  session_id: Fixed<number>;
  /** As in the session when it was written, as `machine_id`. */
  user_id: number | null;
  machine_id: number | null;
  channel: Fixed<number>;
  number: Fixed<number>;
  /** When it began, from the clock. */
  at: Date;
  /** Seconds after the recording's start, as `to_s`. */
  from_s: number;
  to_s: number;
  body: string;
  /** As it is searched; null: it is not to be found. */
  folded: string | null;
  stream: TranscriptStream;
  kind: TranscriptKind;
}
