import type { NewAuditEvent } from './audit.ts';
import { type AuditStates, auditStates } from './audit-state.ts';
import { formatId } from './ids.ts';
import type { Page, PageRequest } from './page.ts';
import type { SessionKind } from './session.ts';

/** Who may approve what a grant demands approval for: one user, or any member of one group. */
export type Approver = { readonly userId: number } | { readonly groupId: number };

/**
 * The life of a request: `pending` until it is decided, or nobody decided in time (`expired`), or
 * nobody waits for it any more (`called_off`). It is never opened again.
 */
export const APPROVAL_STATUSES = [
  'pending',
  'approved',
  'denied',
  'expired',
  'called_off',
] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

/** What an approver may say. */
export type Verdict = Extract<ApprovalStatus, 'approved' | 'denied'>;

/** A request that waits for its approver: one user, machine, login and grant, for one session. */
export interface Approval {
  readonly id: number;
  readonly grantId: number;
  /** Null when the user was removed since; the name stays. */
  readonly userId: number | null;
  readonly userName: string;
  readonly machineId: number | null;
  readonly machineName: string;
  readonly login: string;
  /** What the session begins with; the approval is for the session. */
  readonly kind: SessionKind;
  /** Null: the user or group was removed since. */
  readonly by: Approver | null;
  /** `group leads`, `user lena`. */
  readonly byName: string;
  readonly status: ApprovalStatus;
  /** The node where it is waited for. */
  readonly node: string;
  /** The address that the user came from. */
  readonly source: string;
  readonly askedAt: Date;
  /** When it expires if nobody has decided. */
  readonly expiresAt: Date;
  readonly closedAt: Date | null;
  /** Name of who approved or denied it. */
  readonly decidedBy: string | null;
  /** What they said to it; may be empty. */
  readonly reason: string;
}

export type NewApproval = Pick<
  Approval,
  'grantId' | 'userName' | 'machineName' | 'login' | 'kind' | 'node' | 'source' | 'askedAt'
> & {
  readonly userId: number;
  readonly machineId: number;
  readonly by: Approver;
  readonly byName: string;
  readonly expiresAt: Date;
};

/** Who looks at requests: those of their own, and those they may decide on. */
export interface ApprovalViewer {
  readonly userId: number;
  readonly groups: readonly number[];
}

/** Requests that one user may have open at a time, over all nodes. */
export const MOST_PENDING = 5;

/** Implemented by store/approvals.ts. A request is closed once. */
export interface ApprovalStore {
  /** Null: the user has MOST_PENDING open ones already. */
  create(approval: NewApproval): Promise<Approval | null>;
  get(id: number): Promise<Approval | null>;
  /** Of those asked for, those that are there; one query, however many. */
  some(ids: readonly number[]): Promise<readonly Approval[]>;
  /** Newest first. `statuses` null: any; `viewer` null: everybody's. At `now` what is due is not pending. */
  list(
    filter: {
      readonly statuses: readonly ApprovalStatus[] | null;
      readonly viewer: ApprovalViewer | null;
      readonly now: Date;
    },
    page: PageRequest,
  ): Promise<Page<Approval>>;
  /** Null: it was not open at `at` any more. */
  decide(
    id: number,
    verdict: Verdict,
    by: { readonly name: string; readonly reason: string; readonly at: Date },
  ): Promise<Approval | null>;
  /** Null: it was closed already. */
  close(
    id: number,
    status: Extract<ApprovalStatus, 'expired' | 'called_off'>,
    at: Date,
  ): Promise<Approval | null>;
  /** An approved request opens one session: false when it is not this user's, or was used. */
  use(id: number, userId: number): Promise<boolean>;
  /** Calls off what this node left open in an earlier life; answers them. */
  sweep(node: string, at: Date): Promise<readonly Approval[]>;
}

/** Its status at `now`: one that is due waits only to be closed by its node. */
export function statusAt(approval: Approval, now: Date): ApprovalStatus {
  return approval.status === 'pending' && approval.expiresAt <= now ? 'expired' : approval.status;
}

/** Whether the viewer is one of those who were asked; nobody is asked for their own approval. */
export function isApprover({ by, userId }: Approval, viewer: ApprovalViewer): boolean {
  if (by === null || userId === viewer.userId) return false;
  return 'userId' in by ? by.userId === viewer.userId : viewer.groups.includes(by.groupId);
}

/** The event that nobody decided: it expired, or was called off. */
export function aboutClosed(
  type: 'approval.expired' | 'approval.called_off',
  approval: Approval,
  at: Date,
): NewAuditEvent {
  return {
    at,
    type,
    actor: approval.userName,
    userId: approval.userId,
    machineId: approval.machineId,
    sessionId: null,
    source: approval.source,
    detail: approvalDetail(approval),
    ...closedStates(approval),
  };
}

/** What closing it has changed. */
export function closedStates(approval: Approval): AuditStates {
  const open = { status: 'pending', closedAt: null, decidedBy: null, reason: '' } as const;
  return auditStates({ ...approval, ...open }, approval);
}

/** What every event about a request says of it. */
export function approvalDetail(approval: Approval) {
  const { id, grantId, login, kind, byName } = approval;
  const grant = formatId('grt', grantId);
  return { approval: formatId('apr', id), grant, login, kind, by: byName };
}
