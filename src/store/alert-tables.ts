import type { GeneratedAlways } from 'kysely';
import type { SearchKind } from '../domain/search.ts';
import type { Defaulted } from './column.ts';

export interface AlertRuleTable {
  id: GeneratedAlways<number>;
  name: string;
  pattern: string;
  kind: SearchKind | null;
  machine_id: number | null;
  group_id: number | null;
  created_at: Defaulted<Date>;
}

export interface AlertTable {
  id: GeneratedAlways<number>;
  rule_id: number;
  rule_name: string;
  recording_id: number;
  node: string;
  kind: SearchKind;
  /** Of the recording, as `second`. */
  minute: number;
  second: number;
  at: Defaulted<Date>;
}
