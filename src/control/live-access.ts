import type { AuthorizedRoute } from '../domain/access.ts';
import type { Changes } from '../domain/changes.ts';
import type { Gateway, RouteAnswer } from '../domain/control-plane.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Access, HeldAccess } from './access.ts';
import { Lookout } from './lookout.ts';
import { canonical } from './setup-work.ts';

interface Living extends HeldAccess {
  readonly sessionId: number;
  /** The terms it has now, as text to compare. */
  terms: string;
  /** Whether the gateway is being told. */
  telling: boolean;
  /** The gateway was told before it held the session. */
  early: boolean;
}

type Entered = Pick<HeldAccess, 'user' | 'facts'> & { readonly route: AuthorizedRoute };

/**
 * The sessions of this node and what each rests on. Makes their access decisions again whenever
 * something changed, and every second, in one query for all of them; what was taken away, the
 * gateway ends. While the store is away sessions go on, and what happened meanwhile is found after.
 */
export class LiveAccess {
  readonly #access: Access;
  readonly #log: Logger;
  readonly #living = new Map<number, Living>();
  readonly #lookout: Lookout;
  #gateway: Gateway | null = null;

  constructor(access: Access, log: Logger) {
    this.#access = access;
    this.#log = log;
    this.#lookout = new Lookout(
      () => this.#look(),
      (error) => {
        const reason = reasonOf(error);
        log.warn('what the sessions rest on could not be read; they go on', { reason });
      },
    );
  }

  /** How often word has come that something changed. */
  get heard(): number {
    return this.#lookout.heard;
  }

  /** `since`: `heard` before it was read what the session rests on. */
  add(sessionId: number, { user, route, facts }: Entered, since: number): void {
    const { machine, login, approval } = route;
    const terms = canonical(route.terms);
    this.#living.set(sessionId, {
      ...{ sessionId, user, machine, login, approval, facts, terms },
      ...{ telling: false, early: false },
    });
    // The look that the word led to did not see this session.
    if (since !== this.heard) this.#lookout.now();
  }

  /** The gateway holds it, and its machine answers. */
  active(sessionId: number): void {
    if (this.#living.get(sessionId)?.early === true) this.#lookout.now();
  }

  remove(sessionId: number): void {
    this.#living.delete(sessionId);
  }

  /** The sessions that it watches over. */
  get held(): readonly number[] {
    return [...this.#living.keys()];
  }

  /** From now on, until `close`. */
  watch(gateway: Gateway, changes: Changes): void {
    this.#gateway = gateway;
    this.#lookout.watch(changes);
  }

  /** Settles when the look that is under way has been had. */
  async close(): Promise<void> {
    await this.#lookout.close();
    this.#gateway = null;
  }

  async #look(): Promise<void> {
    const gateway = this.#gateway;
    const living = [...this.#living.values()];
    if (gateway === null || living.length === 0) return;
    const answers = await this.#access.again(living);
    answers.forEach((answer, at) => {
      const one = living[at];
      if (one !== undefined && !one.telling) this.#tell(gateway, one, answer);
    });
  }

  #tell(gateway: Gateway, living: Living, answer: RouteAnswer): void {
    const { sessionId } = living;
    const terms = answer.outcome === 'allowed' ? canonical(answer.route.terms) : '';
    if (terms === living.terms && terms !== '') return;
    if (answer.outcome === 'denied') {
      this.#log.info('access was taken back', { session: sessionId, code: answer.code });
    }
    living.telling = true;
    // A session that is just being opened is not with the gateway yet: it is told when it is active.
    gateway
      .renew(sessionId, answer)
      .then((told) => {
        living.early = !told;
        if (told) living.terms = terms;
      })
      .catch((error: unknown) => {
        const reason = reasonOf(error);
        this.#log.error('a session was not told of its access', { session: sessionId, reason });
      })
      .finally(() => {
        living.telling = false;
      });
  }
}
