import type { GeneratedAlways } from 'kysely';
import type { Fixed } from './column.ts';

/** Part of the tables as migrations/ leaves them. */
export interface SessionPlaceTable {
  session_id: Fixed<number>;
  /** In the order of taking. */
  number: GeneratedAlways<number>;
  service: Fixed<string>;
  /** The session that took it away; null: it is held, while the session lives. */
  evicted_by: number | null;
}
