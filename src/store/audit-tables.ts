import type { ColumnType, GeneratedAlways } from 'kysely';
import type { AuditDetail, AuditType } from '../domain/audit.ts';
import type { AuditState } from '../domain/audit-state.ts';
import type { Fixed } from './column.ts';

export interface AuditTable {
  id: GeneratedAlways<number>;
  at: Fixed<Date>;
  type: Fixed<AuditType>;
  actor: Fixed<string | null>;
  user_id: Fixed<number | null>;
  machine_id: Fixed<number | null>;
  session_id: Fixed<number | null>;
  source: Fixed<string | null>;
  detail: ColumnType<AuditDetail, string, never>;
  before: ColumnType<AuditState | null, string | null, never>;
  after: ColumnType<AuditState | null, string | null, never>;
}

/** Written by a function: migrations/0033-audit-linked-later.ts. */
export interface AuditChainTable {
  position: Fixed<number>;
  audit_id: Fixed<number>;
  hash: Fixed<Buffer>;
}

/** Events that wait for their links. */
export interface AuditUnlinkedTable {
  audit_id: Fixed<number>;
}
