import type { TermsOnApproval } from '../domain/access.ts';
import {
  type Approval,
  type ApprovalStatus,
  type Approver,
  aboutClosed,
  approvalDetail,
  MOST_PENDING,
} from '../domain/approval.ts';
import { auditStates } from '../domain/audit-state.ts';
import type { Changes } from '../domain/changes.ts';
import type {
  ApprovalAnswer,
  AskedApproval,
  ConnectionFacts,
  RouteAnswer,
  SignedIn,
  WantedApproval,
} from '../domain/control-plane.ts';
import { type ErrorCode, type ErrorParams, PosternError } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Store } from '../domain/store.ts';
import type { Access, HeldAccess } from './access.ts';
import { Lookout } from './lookout.ts';
import type { Outbox } from './outbox.ts';

/** Requests that may be waited for on one node. */
const MOST_WAITING = 1000;

/** Milliseconds that one question about the answer waits; less than a call between processes may. */
const QUESTION_MS = 10_000;

/** Milliseconds that an answer is kept for the one who asked. */
const KEPT_MS = 60_000;

export interface ApprovalsDeps {
  readonly stores: Store;
  readonly access: Access;
  readonly outbox: Outbox;
  readonly node: string;
  /** Milliseconds after which a request that nobody decided on expires. */
  readonly timeoutMs: number;
  /** Where users reach the console. */
  readonly publicUrl: () => string;
  readonly log: Logger;
}

interface Waiting {
  readonly id: number;
  readonly grantId: number;
  readonly held: HeldAccess;
  readonly expiresAt: Date;
  readonly answer: PromiseWithResolvers<ApprovalAnswer>;
}

type Denial = Extract<ApprovalAnswer, { readonly outcome: 'denied' }>;

/**
 * The requests for approval that are waited for on this node. The rows are the truth, so that an
 * approver may be on another node: they are looked at whenever something changed here, and every
 * second, in one query for all, and so is what each request rests on.
 */
export class Approvals {
  readonly #deps: ApprovalsDeps;
  readonly #lookout: Lookout;
  /** Not decided yet. */
  readonly #open = new Map<number, Waiting>();
  /** All whose asker may still want the answer. */
  readonly #answers = new Map<number, Promise<ApprovalAnswer>>();

  constructor(deps: ApprovalsDeps) {
    this.#deps = deps;
    this.#lookout = new Lookout(
      () => this.#look(),
      (error) => {
        deps.log.warn('requests for approval could not be read', { reason: reasonOf(error) });
      },
    );
  }

  /** From now on requests are answered, until `close`. */
  watch(changes: Changes): void {
    this.#lookout.watch(changes);
  }

  close(): Promise<void> {
    return this.#lookout.close();
  }

  /** As ControlPlane.askApproval. */
  async ask(
    user: SignedIn,
    wanted: WantedApproval,
    facts: ConnectionFacts,
  ): Promise<AskedApproval> {
    if (this.#open.size >= MOST_WAITING) throw new PosternError('approval.busy');
    const { terms, held } = await this.#standing(user, wanted, facts);
    const made = await this.#create(held, wanted, terms);
    const { id, byName, expiresAt } = made;
    const answer = Promise.withResolvers<ApprovalAnswer>();
    this.#open.set(id, { id, grantId: terms.grantId, held, expiresAt, answer });
    this.#answers.set(id, answer.promise);
    return { approvalId: id, by: byName, url: `${this.#deps.publicUrl()}/approvals/${id}` };
  }

  /** As ControlPlane.approvalAnswer. */
  async answer(id: number): Promise<ApprovalAnswer> {
    const answer = this.#answers.get(id);
    if (answer === undefined) return denied('approval.called_off', id);
    let timer: NodeJS.Timeout | undefined;
    const later = new Promise<ApprovalAnswer>((resolve) => {
      timer = setTimeout(() => resolve({ outcome: 'waiting' }), QUESTION_MS);
    });
    const given = await Promise.race([answer, later]);
    clearTimeout(timer);
    return given;
  }

  /** As ControlPlane.callOffApproval. */
  async callOff(id: number): Promise<void> {
    const waiting = this.#open.get(id);
    if (waiting !== undefined) await this.#giveUp(waiting, 'called_off');
  }

  /** What the request asks for, as it stands now; throws where no approval would help. */
  async #standing(user: SignedIn, wanted: WantedApproval, facts: ConnectionFacts) {
    const { machineId, login, grantId } = wanted;
    const asked = { user, machine: { id: machineId, name: '' }, login, approval: null, facts };
    const [answer] = await this.#deps.access.standing([asked]);
    if (answer === undefined) throw new PosternError('internal');
    if (answer.outcome === 'denied') throw new PosternError(answer.code, answer.params);
    const { machine, onApproval } = answer.route;
    const terms = onApproval.find((one) => one.grantId === grantId);
    if (terms === undefined) throw new PosternError('access.revoked', { machine: machine.name });
    const held: HeldAccess = { ...asked, machine };
    return { terms, held };
  }

  async #create(
    { user, machine, login, facts }: HeldAccess,
    { kind }: WantedApproval,
    { grantId, by }: TermsOnApproval,
  ): Promise<Approval> {
    const { stores, node, timeoutMs } = this.#deps;
    const askedAt = new Date();
    const byName = await this.#nameOf(by);
    return await stores.transaction(async ({ approvals, audit }) => {
      const made = await approvals.create({
        ...{ grantId, by, byName, login, kind, node, askedAt },
        userId: user.userId,
        userName: user.userName,
        machineId: machine.id,
        machineName: machine.name,
        source: facts.sourceAddress,
        expiresAt: new Date(askedAt.getTime() + timeoutMs),
      });
      if (made === null) throw new PosternError('approval.too_many', { most: MOST_PENDING });
      await audit.append({
        at: askedAt,
        type: 'approval.requested',
        actor: user.userName,
        userId: user.userId,
        machineId: machine.id,
        sessionId: null,
        source: facts.sourceAddress,
        detail: approvalDetail(made),
        ...auditStates(null, made),
      });
      return made;
    });
  }

  async #nameOf(by: Approver): Promise<string> {
    const { users, groups } = this.#deps.stores;
    if ('userId' in by) return `user ${(await users.get(by.userId))?.name ?? ''}`;
    return `group ${(await groups.get(by.groupId))?.name ?? ''}`;
  }

  async #look(): Promise<void> {
    const open = [...this.#open.values()];
    if (open.length === 0) return;
    try {
      await this.#lookAt(open);
    } finally {
      // Also while the store is away: the user is not to wait for ever.
      const now = new Date();
      for (const waiting of open) {
        if (waiting.expiresAt <= now && this.#open.has(waiting.id)) {
          void this.#giveUp(waiting, 'expired');
        }
      }
    }
  }

  async #lookAt(open: readonly Waiting[]): Promise<void> {
    const { stores, access } = this.#deps;
    const found = await stores.approvals.some(open.map(({ id }) => id));
    const rows = new Map(found.map((row) => [row.id, row]));
    const approved = (id: number): boolean => rows.get(id)?.status === 'approved';
    const decisions = await access.standing(
      open.map(({ id, grantId, held }) =>
        approved(id) ? { ...held, approval: { approvalId: id, grantId } } : held,
      ),
    );
    open.forEach((waiting, at) => {
      const decision = decisions[at];
      // One that was called off meanwhile has its answer.
      if (decision === undefined || !this.#open.has(waiting.id)) return;
      this.#judge(waiting, rows.get(waiting.id) ?? null, decision);
    });
  }

  #judge(waiting: Waiting, row: Approval | null, decision: RouteAnswer): void {
    const { id, grantId } = waiting;
    const over = row === null ? denied('approval.called_off', id) : overBy(row);
    if (over !== null) {
      this.#settle(waiting, over);
      return;
    }
    if (decision.outcome === 'denied') {
      this.#drop(waiting, decision);
      return;
    }
    const { route } = decision;
    const approved = row?.status === 'approved';
    const terms = approved ? route.terms : route.onApproval;
    if (!terms.some((one) => one.grantId === grantId)) {
      const params = { machine: route.machine.name };
      this.#drop(waiting, { outcome: 'denied', code: 'access.revoked', params });
    } else if (approved) {
      this.#settle(waiting, { outcome: 'approved', route, by: row?.decidedBy ?? '' });
    }
  }

  #settle({ id, answer }: Waiting, given: ApprovalAnswer): void {
    this.#open.delete(id);
    answer.resolve(given);
    setTimeout(() => this.#answers.delete(id), KEPT_MS).unref();
  }

  /** What it rested on is gone. */
  #drop(waiting: Waiting, why: Denial): void {
    this.#settle(waiting, why);
    void this.#close(waiting, 'called_off');
  }

  #giveUp(waiting: Waiting, how: 'expired' | 'called_off'): Promise<void> {
    this.#settle(waiting, denied(`approval.${how}`, waiting.id));
    return this.#close(waiting, how);
  }

  /** Settles when the row says so; one that was decided in the same moment stays as it is. */
  #close({ id }: Waiting, how: 'expired' | 'called_off'): Promise<void> {
    const at = new Date();
    return this.#deps.outbox.write('request for approval closed', () =>
      this.#deps.stores.transaction(async ({ approvals, audit }) => {
        const closed = await approvals.close(id, how, at);
        if (closed !== null) await audit.append(aboutClosed(`approval.${how}`, closed, at));
      }),
    );
  }
}

function denied(code: ErrorCode, id: number, params: ErrorParams = {}): Denial {
  return { outcome: 'denied', code, params: { id: formatId('apr', id), ...params } };
}

/** What the user is told of a request that ended without an approval; null: it did not. */
function overBy({ id, status, decidedBy, reason }: Approval): Denial | null {
  const states: Readonly<Record<ApprovalStatus, () => Denial | null>> = {
    pending: () => null,
    approved: () => null,
    denied: () =>
      denied(reason === '' ? 'approval.denied' : 'approval.denied_because', id, {
        by: decidedBy ?? '',
        reason,
      }),
    expired: () => denied('approval.expired', id),
    called_off: () => denied('approval.called_off', id),
  };
  return states[status]();
}
