import type { GeneratedAlways } from 'kysely';
import type { ActionStatus } from '../domain/container-session.ts';
import type { OverLimitPolicy } from '../domain/place.ts';
import type { RecordingPolicy } from '../domain/recording.ts';
import type { StackKind } from '../domain/stack.ts';
import type { Defaulted, Fixed } from './column.ts';
import type { Sealed } from './vault.ts';

export interface StackTable {
  id: GeneratedAlways<number>;
  uid: Fixed<string>;
  name: string;
  kind: StackKind;
  engine: string | null;
  project: string;
  stack_label: string;
  service_label: string;
  login: string;
  recording: RecordingPolicy;
  session_limit: number;
  over_limit: OverLimitPolicy;
  created_at: Defaulted<Date>;
  updated_at: Defaulted<Date>;
}

export interface ContainerSessionTable {
  /** The session's. */
  id: Fixed<number>;
  stack_id: number | null;
  service: Fixed<string>;
  container_id: string | null;
  container_name: Defaulted<string>;
  code: Fixed<string>;
  password: Sealed | null;
  expires_at: Date;
  joined_at: Date | null;
  /** That it was made with, also once that is gone; null: not known. */
  token_id: Fixed<number | null>;
}

export interface StackActionTable {
  id: GeneratedAlways<number>;
  user_id: number | null;
  user_name: Fixed<string>;
  stack_id: Fixed<number>;
  session_id: number | null;
  action: Fixed<'create_session'>;
  status: Defaulted<ActionStatus>;
  message: string | null;
  node: Fixed<string>;
  started_at: Fixed<Date>;
  finished_at: Date | null;
  updated_at: Date;
}
