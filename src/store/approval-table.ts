import type { GeneratedAlways } from 'kysely';
import type { ApprovalStatus } from '../domain/approval.ts';
import type { SessionKind } from '../domain/session.ts';
import type { Defaulted, Fixed } from './column.ts';

export interface ApprovalTable {
  id: GeneratedAlways<number>;
  grant_id: Fixed<number>;
  user_id: number | null;
  user_name: Fixed<string>;
  machine_id: number | null;
  machine_name: Fixed<string>;
  login: Fixed<string>;
  kind: Fixed<SessionKind>;
  by_user_id: number | null;
  by_group_id: number | null;
  by_name: Fixed<string>;
  status: Defaulted<ApprovalStatus>;
  node: Fixed<string>;
  source: Fixed<string>;
  asked_at: Fixed<Date>;
  expires_at: Fixed<Date>;
  closed_at: Date | null;
  decided_by: string | null;
  reason: Defaulted<string>;
  used: Defaulted<boolean>;
}
