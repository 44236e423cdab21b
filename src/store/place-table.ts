import type { ColumnType, GeneratedAlways } from 'kysely';
import type { EnteredPod } from '../domain/entered-container.ts';
import type { Defaulted, Fixed } from './column.ts';

/** Part of the tables as migrations/ leaves them. */
export interface SessionPlaceTable {
  session_id: Fixed<number>;
  /** In the order of taking. */
  number: GeneratedAlways<number>;
  service: Fixed<string>;
  /** The session that took it away; null: it is held, while the session lives. */
  evicted_by: number | null;
}

export interface EnteredContainerTable {
  session_id: Fixed<number>;
  engine: Fixed<string>;
  pod: ColumnType<EnteredPod | null, string | null, never>;
  container_id: Fixed<string>;
  login: Fixed<string>;
  mark: Fixed<string>;
  /** Something was not ended there. */
  outlived: Defaulted<boolean>;
}
