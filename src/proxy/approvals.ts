import {
  type AuthorizedRoute,
  approvalFor,
  type TermsOnApproval,
  toSameContainer,
} from '../domain/access.ts';
import type { ConnectionFacts, ControlPlane, SignedIn } from '../domain/control-plane.ts';
import { PosternError, sentence } from '../domain/errors.ts';
import { formatId } from '../domain/ids.ts';
import type { SessionKind } from '../domain/session.ts';

/** What something that is to run needs of its route. */
export interface Need<T> {
  /** Throws unless some grant in force allows it; asked of routes as they might be, too. */
  permit(route: AuthorizedRoute): T;
  /** It was refused on this route, and no approval would help. */
  denied(route: AuthorizedRoute): void;
}

/** Somebody who may have to wait for an approval. */
export interface Waiter {
  /** Aborts when they wait no more. */
  readonly signal: AbortSignal;
  /** Tells them a sentence of the catalogue; nothing ends. */
  tell(text: string): void;
}

/** Who waits where nobody can be told, nor can leave by themselves: a forward. */
export const SILENT: Waiter = {
  signal: new AbortController().signal,
  tell: () => undefined,
};

export interface Asker {
  readonly user: SignedIn;
  readonly facts: ConnectionFacts;
  /** What the session is to begin with. */
  readonly kind: SessionKind;
  /** Which of the connection opens the session: an approval is good for one. */
  readonly opener: number;
}

/** One request, and all that wait for it. */
interface Asked {
  readonly waiters: Set<Waiter>;
  readonly over: AbortController;
  readonly route: Promise<AuthorizedRoute>;
  /** The request's id, and what those who wait are told, once they are known. */
  request: { readonly id: string; readonly words: string } | null;
}

/**
 * The approvals that one connection waits for. What several of its channels need for one session is
 * asked for once, and called off when none of them waits any more.
 */
export class Approvals {
  readonly #control: ControlPlane;
  readonly #asked = new Map<string, Asked>();
  #ended = false;

  constructor(control: ControlPlane) {
    this.#control = control;
  }

  /**
   * The route under which `need` is allowed: as it is, or as it will be once somebody has approved.
   * Rejects with PosternError: it is not, nobody approved, or the waiter left.
   */
  async allow<T>(
    asker: Asker,
    route: AuthorizedRoute,
    need: Need<T>,
    waiter: Waiter,
  ): Promise<{ readonly route: AuthorizedRoute; readonly permitted: T }> {
    const terms = helpful(route, need);
    if (terms === null) return { route, permitted: permitted(route, need) };
    const approved = toSameContainer(route, await this.#wait(asker, route, terms, waiter));
    return { route: approved, permitted: permitted(approved, need) };
  }

  /** Nobody waits any more: the connection is gone. */
  end(): void {
    this.#ended = true;
    for (const { over } of this.#asked.values()) over.abort();
  }

  async #wait(
    asker: Asker,
    route: AuthorizedRoute,
    terms: TermsOnApproval,
    waiter: Waiter,
  ): Promise<AuthorizedRoute> {
    // The connection went while its route was decided.
    if (this.#ended) throw new PosternError('client.gone');
    const key = `${asker.opener} ${route.machine.id} ${terms.grantId} ${route.login}`;
    const asked = this.#asked.get(key) ?? this.#ask(key, asker, route, terms);
    const left = Promise.withResolvers<never>();
    const leave = (): void => {
      asked.waiters.delete(waiter);
      if (asked.waiters.size === 0) {
        this.#forget(key, asked);
        asked.over.abort();
      }
      const id = asked.request?.id;
      left.reject(
        id === undefined
          ? new PosternError('client.gone')
          : new PosternError('approval.called_off', { id }),
      );
    };
    asked.waiters.add(waiter);
    if (asked.request !== null) waiter.tell(asked.request.words);
    if (waiter.signal.aborted) leave();
    else waiter.signal.addEventListener('abort', leave);
    try {
      return await Promise.race([asked.route, left.promise]);
    } finally {
      waiter.signal.removeEventListener('abort', leave);
    }
  }

  #ask(key: string, asker: Asker, route: AuthorizedRoute, terms: TermsOnApproval): Asked {
    const over = new AbortController();
    const found = Promise.withResolvers<AuthorizedRoute>();
    const asked: Asked = { waiters: new Set(), over, route: found.promise, request: null };
    this.#asked.set(key, asked);
    // Where all have left, nobody hears of it.
    found.promise.catch(() => undefined);
    this.#answer(asked, asker, route, terms)
      .then(found.resolve, found.reject)
      .finally(() => this.#forget(key, asked));
    return asked;
  }

  /** Who needs the same from now on asks anew. */
  #forget(key: string, asked: Asked): void {
    if (this.#asked.get(key) === asked) this.#asked.delete(key);
  }

  async #answer(
    asked: Asked,
    { user, facts, kind }: Asker,
    { machine, login }: AuthorizedRoute,
    { grantId }: TermsOnApproval,
  ): Promise<AuthorizedRoute> {
    const control = this.#control;
    const wanted = { machineId: machine.id, login, grantId, kind };
    const { approvalId, by, url } = await control.askApproval(user, wanted, facts);
    const id = formatId('apr', approvalId);
    const callOff = (): void => void control.callOffApproval(approvalId);
    const { signal } = asked.over;
    if (signal.aborted) callOff();
    else signal.addEventListener('abort', callOff);
    const words = sentence('approval.waiting', { by, id, url });
    asked.request = { id, words };
    for (const waiter of asked.waiters) waiter.tell(words);
    try {
      for (;;) {
        const answer = await control.approvalAnswer(approvalId);
        if (answer.outcome === 'denied') throw new PosternError(answer.code, answer.params);
        if (answer.outcome === 'waiting') continue;
        const granted = sentence('approval.granted', { id, by: answer.by });
        for (const waiter of asked.waiters) waiter.tell(granted);
        return answer.route;
      }
    } catch (error) {
      if (!(error instanceof PosternError) || error.code === 'control.down') callOff();
      throw error;
    } finally {
      signal.removeEventListener('abort', callOff);
    }
  }
}

/** What `need` permits on the route; throws, and says so, where it is nothing. */
export function permitted<T>(route: AuthorizedRoute, need: Need<T>): T {
  try {
    return need.permit(route);
  } catch (error) {
    need.denied(route);
    throw error;
  }
}

/** Null: `need` is allowed as it is, or no approval would help. */
function helpful(route: AuthorizedRoute, need: Need<unknown>): TermsOnApproval | null {
  try {
    need.permit(route);
    return null;
  } catch {
    return approvalFor(route, (one) => need.permit(one));
  }
}

/**
 * The same in a session that lives already: its terms were decided when it began. Throws
 * `approval.apart` where only an approval would help.
 */
export function permittedNow<T>(route: AuthorizedRoute, need: Need<T>): T {
  if (helpful(route, need) !== null) throw new PosternError('approval.apart');
  return permitted(route, need);
}
