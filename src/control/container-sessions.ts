import { randomInt } from 'node:crypto';
import { auditStates } from '../domain/audit-state.ts';
import type {
  ContainerSessions,
  StackAction,
  WantedContainerSession,
} from '../domain/container-session.ts';
import type { Gateway } from '../domain/control-plane.ts';
import type { Counters } from '../domain/counters.ts';
import { PosternError, sentence } from '../domain/errors.ts';
import { type Logger, reasonOf, rootReasonOf } from '../domain/log.ts';
import type { Meters } from '../domain/meters.ts';
import type { EndReason } from '../domain/session.ts';
import type { Store, Stores } from '../domain/store.ts';
import { ContainerSessionEnds } from './container-session-ends.ts';
import { aboutSession } from './journal.ts';
import { Lookout } from './lookout.ts';
import { oneTimePassword } from './one-time-password.ts';
import type { ServiceContainers } from './service-containers.ts';
import { failAction, refusal } from './stack-actions.ts';
import { permitStack } from './stack-permission.ts';

/** No letters and digits that look like others; base 32. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
const CODE_LENGTH = 8;

/** Actions of one node that may be under way. */
const MOST_ACTIONS = 1000;

/** Milliseconds that actions under way have when the server stops. */
const LAST_ACTIONS_MS = 2000;

export interface ContainerSessionsDeps {
  readonly store: Store;
  readonly counters: Pick<Counters, 'count'>;
  readonly containers: ServiceContainers;
  /** Of all nodes. */
  readonly gateway: Pick<Gateway, 'terminate'>;
  /** This node's name. */
  readonly node: string;
  readonly meters: Pick<Meters, 'sessionUnjoined'>;
  /** Milliseconds that a session waits for its user. */
  readonly waitMs: number;
  readonly log: Logger;
}

/**
 * Makes sessions of containers in the background. Row, place and action come to be in one transaction, so that
 * what a process that died has left is found by its node's name: the next start of the node, or another node,
 * fails the action and ends the session (recovery.ts). What fails while the store is away is looked for again.
 */
export class BackgroundContainerSessions implements ContainerSessions {
  readonly #deps: ContainerSessionsDeps;
  readonly #running = new Map<number, Promise<void>>();
  readonly #ends: ContainerSessionEnds;
  readonly #lookout: Lookout;

  constructor(deps: ContainerSessionsDeps) {
    this.#deps = deps;
    this.#ends = new ContainerSessionEnds(deps);
    this.#lookout = new Lookout(
      () => this.#look(),
      (error) => {
        const reason = reasonOf(error);
        deps.log.warn('container sessions could not be looked after', { reason });
      },
    );
  }

  /** From now on, until `close`. */
  begin(changes: Parameters<Lookout['watch']>[0]): void {
    this.#lookout.watch(changes);
  }

  /** Ends what waits for its users on this node, and fails what is still being made. */
  async close(): Promise<void> {
    await this.#lookout.close();
    const enough = Promise.withResolvers<void>();
    const timer = setTimeout(enough.resolve, LAST_ACTIONS_MS);
    await Promise.race([Promise.allSettled(this.#running.values()), enough.promise]);
    clearTimeout(timer);
    const { store, node } = this.#deps;
    for (const id of await store.containerSessions.waiting(node))
      await this.#ends.end(id, 'drained');
    for (const action of await store.stackActions.open(node)) {
      await this.#fail(action, refusal('stack.not_created', 'stack.interrupted', {}));
    }
    await this.#ends.settled();
  }

  async create(wanted: WantedContainerSession): Promise<StackAction> {
    await this.permit({ ...wanted, userId: wanted.user.id });
    // The second.
    await this.#deps.containers.chosen(wanted.stack, wanted.service);
    if (this.#running.size >= MOST_ACTIONS) throw new PosternError('stack.too_many');
    const { action, evicted } = await this.#begin(wanted);
    this.#ends.evict(evicted, sentence('stack.newer', paramsOf(wanted)));
    const run = this.#run(action, wanted).finally(() => this.#running.delete(action.id));
    this.#running.set(action.id, run);
    return action;
  }

  endWaiting(sessionId: number, reason: EndReason): Promise<boolean> {
    return this.#ends.end(sessionId, reason);
  }

  /** The first step. */
  permit(wanted: Parameters<ContainerSessions['permit']>[0]): Promise<void> {
    return permitStack(this.#deps.store, wanted);
  }

  /** The third, with everything that the rest goes on from. */
  async #begin(
    wanted: WantedContainerSession,
  ): Promise<{ readonly action: StackAction; readonly evicted: readonly number[] }> {
    const { store, counters, node } = this.#deps;
    const { user, stack } = wanted;
    const begun = await store.transaction(async (stores) => {
      const now = new Date();
      const machineId = await machineOf(stores, wanted);
      const session = await this.#newSession(stores, wanted, machineId, now);
      const place = await stores.places.take({
        sessionId: session.id,
        service: `${stack.id}/${wanted.service}`,
        limit: stack.sessionLimit,
        policy: stack.overLimit,
      });
      if (place.outcome === 'refused') {
        throw refusal('stack.too_many', 'stack.full', paramsOf(wanted));
      }
      const action = await stores.stackActions.create({
        ...{ userId: user.id, userName: user.name, stackId: stack.id, sessionId: session.id },
        ...{ node, startedAt: now, action: 'create_session' },
      });
      const detail = { stack: stack.name, service: wanted.service, action: action.id };
      await stores.audit.append({
        ...aboutSession('container_session.created', session, now, detail),
        ...auditStates(null, session),
      });
      return { action, session, evicted: place.evicted };
    });
    await counters.count(begun.session);
    return begun;
  }

  #newSession(stores: Stores, wanted: WantedContainerSession, machineId: number, now: Date) {
    const { user, stack, service } = wanted;
    return stores.containerSessions.create(
      {
        ...{ userId: user.id, userName: user.name, userEmail: user.email, machineId },
        machineName: `${stack.name}.${service}`,
        machineHost: `${stack.project}/${service}`,
        login: stack.login,
        kind: 'shell',
        node: this.#deps.node,
        startedAt: now,
        ipAddress: wanted.sourceAddress,
        userAgent: wanted.client,
        approval: null,
      },
      {
        ...{ stackId: stack.id, service, code: newCode(), tokenId: wanted.tokenId },
        expiresAt: new Date(now.getTime() + this.#deps.waitMs),
      },
    );
  }

  /** The fourth and the fifth. Never rejects; what cannot be noted now is found by a later look. */
  async #run(action: StackAction, wanted: WantedContainerSession): Promise<void> {
    try {
      await this.#deps.store.stackActions.begin(action.id, new Date());
      await this.#setUp(action, wanted);
    } catch (error) {
      await this.#fail(action, error).catch((again: unknown) => {
        const reason = reasonOf(again);
        this.#deps.log.warn('a failed action could not be noted yet', {
          action: action.id,
          reason,
        });
      });
    }
  }

  /** With everything looked at once more: what was true when it was asked for may not be any more. */
  async #setUp(action: StackAction, wanted: WantedContainerSession): Promise<void> {
    const { store, counters, containers, waitMs } = this.#deps;
    await this.permit({ ...wanted, userId: wanted.user.id });
    const container = await containers.entered(wanted.stack, wanted.service);
    const password = await oneTimePassword(store, wanted.user.id);
    const now = new Date();
    const place = {
      ...{ containerId: container.id, containerName: container.name },
      password,
      expiresAt: new Date(now.getTime() + waitMs),
    };
    const session = await store.transaction(async (stores) => {
      const id = action.sessionId ?? 0;
      const message = `Session ${id} is ready`;
      // Both or neither: an action that says completed has a session.
      const both =
        (await stores.stackActions.finish(action.id, 'completed', message, now)) &&
        (await stores.containerSessions.ready(id, place, now));
      if (!both) throw refusal('stack.not_created', 'stack.overtaken', {});
      return await stores.sessions.get(id);
    });
    if (session !== null) await counters.count(session);
  }

  /** Fails the action, and the session with it; once. */
  async #fail(action: StackAction, thrown: unknown): Promise<void> {
    this.#deps.log.warn('a container session was not made', {
      action: action.id,
      reason: rootReasonOf(thrown),
    });
    // What has finished has a session that is its user's.
    const isFirst = (stores: Stores): Promise<boolean> => failAction(stores, action, thrown);
    await this.#ends.endIf(isFirst, action.sessionId ?? 0, 'not_created');
  }

  /** What is due, and what others, or an absence of the store, have left behind. */
  async #look(): Promise<void> {
    const { store, node } = this.#deps;
    const { containerSessions } = store;
    const now = new Date();
    await this.#endAll('unused', (after) => containerSessions.overdue(now, after));
    await this.#endAll('access_revoked', (after) => containerSessions.withdrawn(now, after));
    for (const id of await store.places.evicted()) {
      await this.#each(id, () => this.#evict(id));
    }
    for (const action of await store.stackActions.open(node)) {
      if (this.#running.has(action.id)) continue;
      const lost = refusal('stack.not_created', 'stack.interrupted', {});
      await this.#each(action.sessionId ?? 0, () => this.#fail(action, lost));
    }
  }

  /** One part after the other: what cannot be ended now keeps none that comes after it. */
  async #endAll(
    reason: EndReason,
    next: (after: number) => Promise<readonly number[]>,
  ): Promise<void> {
    for (let ids = await next(0); ids.length > 0; ids = await next(Math.max(...ids))) {
      for (const id of ids) await this.#each(id, () => this.#ends.end(id, reason));
    }
  }

  async #evict(id: number): Promise<void> {
    const { store } = this.#deps;
    const one = await store.containerSessions.get(id);
    const stack = one?.stackId === null || !one ? null : await store.stacks.get(one.stackId);
    if (one === null || stack === null) return;
    this.#ends.evict([id], sentence('stack.newer', paramsOf({ stack, service: one.service })));
  }

  /** So that one that cannot be dealt with holds up no other. */
  async #each(session: number, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const reason = reasonOf(error);
      this.#deps.log.warn('a container session could not be looked after', { session, reason });
    }
  }
}

function paramsOf({ stack, service }: Pick<WantedContainerSession, 'stack' | 'service'>) {
  return { stack: stack.name, service, limit: stack.sessionLimit };
}

/** Throws `stack.not_created` where another machine has the name. */
async function machineOf(stores: Stores, wanted: WantedContainerSession): Promise<number> {
  try {
    return await stores.stacks.machineOf(wanted.stack, wanted.service);
  } catch (error) {
    if (!(error instanceof PosternError) || error.code !== 'thing.exists') throw error;
    throw new PosternError('stack.not_created', { detail: error.message }, { cause: error });
  }
}

function newCode(): string {
  const letters = Array.from({ length: CODE_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]);
  return letters.join('');
}
