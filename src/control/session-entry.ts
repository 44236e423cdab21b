import type { AuthorizedRoute } from '../domain/access.ts';
import { type Approval, approvalDetail } from '../domain/approval.ts';
import { auditStates } from '../domain/audit-state.ts';
import type { ConnectionFacts, SignedIn } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import { printable } from '../domain/log.ts';
import type { Session, SessionApproval, SessionKind } from '../domain/session.ts';
import type { Account } from '../domain/standing.ts';
import type { Store, Stores } from '../domain/store.ts';

export interface SessionEntry {
  readonly user: SignedIn;
  /** As it was when the route was last found to be good. */
  readonly account: Pick<Account, 'email'>;
  readonly route: AuthorizedRoute;
  readonly kind: SessionKind;
  readonly facts: ConnectionFacts;
  /** The node that holds the session from now on. */
  readonly node: string;
}

/** What a row of a session needs. */
type Rows = Pick<Stores, 'approvals' | 'sessions' | 'containerSessions'>;

/**
 * The row of a session that begins: a new one, or the one that was made for whom comes to a
 * container. An approval that its route rests on is used up with it, and by it alone. Throws
 * `container.over` where the container's has its user already, or has ended; `approval.used` where its
 * approval is of something else, or was used.
 */
export async function enterSession(
  stores: Rows & Pick<Store, 'transaction'>,
  entry: SessionEntry,
): Promise<Session> {
  return entry.route.approval === null
    ? await enter(stores, entry, null)
    : await stores.transaction((within) => enterApproved(within, entry));
}

async function enterApproved(
  stores: Rows & Pick<Stores, 'audit'>,
  entry: SessionEntry,
): Promise<Session> {
  const { user, route, facts } = entry;
  const row = await usedUp(stores.approvals, entry);
  const approval = { id: row.id, approvedBy: row.decidedBy, reason: row.reason };
  const session = await enter(stores, entry, approval);
  await stores.audit.append({
    ...{ at: new Date(), type: 'approval.used', actor: user.userName, userId: user.userId },
    ...{ machineId: route.machine.id, sessionId: session.id, source: facts.sourceAddress },
    detail: approvalDetail(row),
    ...auditStates({ used: false }, { used: true }),
  });
  return session;
}

async function usedUp(
  approvals: Stores['approvals'],
  { user, route }: SessionEntry,
): Promise<Approval & { readonly decidedBy: string }> {
  const { machine, login, approval } = route;
  const row = approval === null ? null : await approvals.get(approval.approvalId);
  const fits =
    row?.machineId === machine.id && row.login === login && row.grantId === approval?.grantId;
  if (!fits || row.decidedBy === null || !(await approvals.use(row.id, user.userId))) {
    throw new PosternError('approval.used');
  }
  return { ...row, decidedBy: row.decidedBy };
}

async function enter(
  stores: Rows,
  { user, account, route, kind, facts, node }: SessionEntry,
  approval: SessionApproval | null,
): Promise<Session> {
  const now = new Date();
  const from = { ipAddress: facts.sourceAddress, userAgent: printable(facts.client, 255) };
  const id = user.containerSession;
  if (id !== undefined) {
    const by = { node, kind, login: route.login, ...from, approval };
    const session = await stores.containerSessions.join(id, by, now);
    if (session === null) throw new PosternError('container.over');
    return session;
  }
  return await stores.sessions.create({
    userId: user.userId,
    userName: user.userName,
    userEmail: account.email,
    machineId: route.machine.id,
    machineName: route.machine.name,
    machineHost: route.machine.host,
    login: route.login,
    kind,
    node,
    startedAt: now,
    ...from,
    approval,
  });
}
