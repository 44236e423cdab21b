import type { GeneratedAlways } from 'kysely';
import type { SearchKind } from '../domain/search.ts';
import type { Defaulted, Fixed } from './column.ts';

/** Some pieces of a recording, in the order of their numbers, that are looked up together. */
export interface SearchSheetTable {
  id: GeneratedAlways<number>;
  recording_id: Fixed<number>;
  /** As in the session when it was written. */
  user_id: Fixed<number | null>;
  kind: Fixed<SearchKind>;
  /** Numbers of its pieces, both inclusive. */
  first: Fixed<number>;
  last: Fixed<number>;
  keys: readonly number[];
}

/** A recording of which some pieces are on no sheet: which ones. */
export interface SearchLooseTable {
  recording_id: Fixed<number>;
  session_id: Fixed<number>;
  user_id: Fixed<number | null>;
  machine_id: Fixed<number | null>;
  /** The first command, and the first piece of output, that is on none. */
  command: Defaulted<number>;
  output: Defaulted<number>;
}
