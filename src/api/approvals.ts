import {
  type Approval,
  type ApprovalStatus,
  type ApprovalViewer,
  approvalDetail,
  closedStates,
  isApprover,
  statusAt,
  type Verdict,
} from '../domain/approval.ts';
import { PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { seesEverything, type Viewer } from '../domain/visibility.ts';
import type { Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { note } from './journal.ts';

/** A request, as one viewer has it before them. */
export interface SeenApproval {
  readonly approval: Approval;
  readonly status: ApprovalStatus;
  /** Whether it waits for a word of theirs. */
  readonly mayDecide: boolean;
}

/** Null: a token that is nobody's, which is nobody's approver either. */
async function asViewer(deps: ApiDeps, { userId }: Viewer): Promise<ApprovalViewer | null> {
  return userId === null ? null : { userId, groups: await deps.store.groups.ofUser(userId) };
}

function seenBy(deps: ApiDeps, approval: Approval, viewer: ApprovalViewer | null): SeenApproval {
  const status = statusAt(approval, deps.clock());
  const mayDecide = status === 'pending' && viewer !== null && isApprover(approval, viewer);
  return { approval, status, mayDecide };
}

/** Those that the caller asked for or is asked for; an admin's are everybody's. */
export async function listApprovals(
  deps: ApiDeps,
  { viewer }: Caller,
  statuses: readonly ApprovalStatus[] | null,
  page: PageRequest,
): Promise<Page<SeenApproval>> {
  const me = await asViewer(deps, viewer);
  const filter = { statuses, viewer: seesEverything(viewer) ? null : me, now: deps.clock() };
  const found = await deps.store.approvals.list(filter, page);
  return { ...found, rows: found.rows.map((row) => seenBy(deps, row, me)) };
}

/** Throws `thing.not_found`, also for one that is not the caller's to see. */
export async function seenApproval(
  deps: ApiDeps,
  { viewer }: Caller,
  id: number,
): Promise<SeenApproval> {
  const me = await asViewer(deps, viewer);
  const approval = await deps.store.approvals.get(id);
  const mine =
    approval !== null &&
    (seesEverything(viewer) ||
      (me !== null && (approval.userId === me.userId || isApprover(approval, me))));
  if (!mine) {
    throw new PosternError('thing.not_found', { kind: 'request', id: formatId('apr', id) });
  }
  return seenBy(deps, approval, me);
}

/**
 * Decides on a request, once. Throws `approval.own`, `approval.not_approver` (admins too: who may
 * decide is what the grant says) or `approval.closed`. The caller has `sessions:write`.
 */
export async function decideApproval(
  deps: ApiDeps,
  caller: Caller,
  { id, verdict, reason }: { id: number; verdict: Verdict; reason: string },
): Promise<SeenApproval> {
  const { approval, status, mayDecide } = await seenApproval(deps, caller, id);
  const name = formatId('apr', id);
  const { userId } = caller.viewer;
  if (userId !== null && userId === approval.userId) {
    throw new PosternError('approval.own', { id: name });
  }
  if (status !== 'pending') throw new PosternError('approval.closed', { id: name, status });
  if (!mayDecide)
    throw new PosternError('approval.not_approver', { by: approval.byName, id: name });
  const at = deps.clock();
  const decided = await deps.store.transaction(async (stores) => {
    const by = { name: caller.viewer.name, reason, at };
    const made = await stores.approvals.decide(id, verdict, by);
    if (made === null) return null;
    await note(
      stores,
      caller,
      at,
      verdict === 'approved' ? 'approval.granted' : 'approval.denied',
      {
        ...(made.userId !== null && { userId: made.userId }),
        machineId: made.machineId,
        detail: { ...approvalDetail(made), user: made.userName, reason },
        states: closedStates(made),
      },
    );
    return made;
  });
  if (decided !== null) return seenBy(deps, decided, null);
  const now = (await seenApproval(deps, caller, id)).status;
  throw new PosternError('approval.closed', { id: name, status: now });
}
