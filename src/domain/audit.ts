import type { AuditState, AuditStates } from './audit-state.ts';
import type { Page, PageRequest } from './page.ts';

/** What happened, `area.past_tense`. Names stay as they are: scripts filter by them. */
export const AUDIT_TYPES = [
  'auth.succeeded',
  'auth.failed',
  'totp.enrolled',
  'totp.recovery_used',
  'totp.reset',
  'access.denied',
  'approval.requested',
  'approval.granted',
  'approval.denied',
  'approval.expired',
  'approval.called_off',
  'approval.used',
  'session.started',
  'session.ended',
  'session.terminated',
  'channel.opened',
  'channel.denied',
  'channel.forced',
  'channel.marked',
  'transfer.finished',
  'transfer.summary',
  'transfer.denied',
  'machine.failed',
  'machine.tried',
  'host_key.pinned',
  'host_key.changed',
  'recording.failed',
  'recording.verified',
  'recording.viewed',
  'recording.downloaded',
  'recording.removed',
  'recording.held',
  'recording.released',
  'recording.not_archived',
  'recordings.swept',
  'recordings.analysed_again',
  'seals.viewed',
  'logs.viewed',
  'recordings.searched',
  'alert.raised',
  'alert_rule.created',
  'alert_rule.removed',
  'user.created',
  'user.changed',
  'user.permissions_changed',
  'user.removed',
  'key.added',
  'key.removed',
  'group.created',
  'group.changed',
  'group.removed',
  'machine.created',
  'machine.changed',
  'machine.removed',
  'stack.created',
  'stack.changed',
  'stack.removed',
  'container_session.created',
  'container_session.read',
  'grant.created',
  'grant.removed',
  'authority.created',
  'authority.changed',
  'authority.removed',
  'revocation.created',
  'revocation.imported',
  'revocation.removed',
  'token.created',
  'token.revoked',
  'audit.exported',
  'counters.rebuilt',
  'secret_key.rotated',
  'console.signed_in',
  'console.signed_out',
  'server.started',
  'server.stopped',
] as const;

export type AuditType = (typeof AUDIT_TYPES)[number];

/** Facts about the event; never a secret, a keystroke or output. */
export type AuditDetail = Readonly<Record<string, string | number | boolean | null>>;

export interface NewAuditEvent extends AuditStates {
  readonly at: Date;
  readonly type: AuditType;
  /** Who did it: a user's or token's name; null: nobody known (a failed sign-in). */
  readonly actor: string | null;
  readonly userId: number | null;
  readonly machineId: number | null;
  readonly sessionId: number | null;
  /** The address it came from; null: the server itself. */
  readonly source: string | null;
  readonly detail: AuditDetail;
}

export interface AuditEvent extends NewAuditEvent {
  readonly id: number;
  readonly before: AuditState | null;
  readonly after: AuditState | null;
}

/** An event with its place in the chain, which each is linked to soon after it was committed. */
export interface LinkedAuditEvent extends AuditEvent {
  /** From 1, without gaps, in the order in which events were linked. */
  readonly position: number;
  /** SHA-256 of the hash before and the event, in hexadecimal. */
  readonly hash: string;
}

/** One link: who has kept it can tell whether the audit still begins like this. */
export interface AuditLink {
  readonly position: number;
  readonly hash: string;
}

/** What is wrong with the chain; `event` is the id of the first one that it shows at. */
export interface AuditFlaw {
  readonly problem: 'changed' | 'removed' | 'added' | 'head';
  readonly event: number | null;
}

export interface AuditVerdict {
  readonly events: number;
  /** Null: there are no events. */
  readonly head: AuditLink | null;
  /** Null: every event is as it was written, and none is missing. */
  readonly flaw: AuditFlaw | null;
}

export interface AuditFilter {
  readonly type?: AuditType;
  readonly userId?: number;
  readonly machineId?: number;
  readonly sessionId?: number;
  readonly from?: Date;
  readonly to?: Date;
}

/** Append-only. Implemented by store/audit.ts. */
export interface AuditStore {
  append(event: NewAuditEvent): Promise<void>;
  /** Gives every event that was committed before its place in the chain. */
  link(): Promise<void>;
  list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>>;
  /** All that are found, oldest first, read as they are taken; links first. */
  walk(filter: AuditFilter): AsyncGenerator<LinkedAuditEvent>;
  /** Links, and computes every link anew; `kept` must be one of them where it is given. */
  verify(kept: AuditLink | null): Promise<AuditVerdict>;
}
