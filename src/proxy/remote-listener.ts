import type { AuthorizedRoute, Limits } from '../domain/access.ts';
import type { Capability } from '../domain/capability.ts';
import { PosternError } from '../domain/errors.ts';
import { listenPermission, type Place, placeText } from '../domain/forward.ts';
import type { Offer, UpstreamListener } from '../domain/upstream.ts';
import { type Ends, Forward, offeredEnds } from './forward.ts';
import { ForwardRecord } from './forward-record.ts';
import type { PipeCounts } from './pipe.ts';
import type { GatewaySession, SessionMember } from './session.ts';

/** Opens the user's side of a connection that came to a listener. Rejects when it is refused. */
export type OpenAtUser = (at: Place, offer: Offer) => Promise<Ends['user']>;

/** One listener on the machine that a user asked for; in the session's record while it listens. */
export class RemoteListener implements SessionMember {
  /** Of the listener itself; its connections have their own. */
  readonly counts: PipeCounts = { bytesIn: 0, bytesOut: 0 };
  readonly lastByteAt = performance.now();
  readonly waits = true;
  readonly done: Promise<void>;
  readonly #session: GatewaySession;
  readonly #at: Place;
  #limits: Limits;
  readonly #openAtUser: OpenAtUser;
  readonly #ended = Promise.withResolvers<void>();
  #record: ForwardRecord | null = null;
  #listener: UpstreamListener | null = null;

  constructor(session: GatewaySession, at: Place, limits: Limits, openAtUser: OpenAtUser) {
    this.#session = session;
    this.#at = at;
    this.#limits = limits;
    this.#openAtUser = openAtUser;
    this.done = this.#ended.promise;
  }

  /** Answers the port. Rejects with PosternError; the listener is over then. */
  async begin(): Promise<number> {
    const session = this.#session;
    const number = session.join(this);
    if (number === null) throw new PosternError('session.draining');
    this.#record = new ForwardRecord(session, number, {
      capability: 'forward-remote',
      place: `listen ${placeText(this.#at)}`,
      limits: this.#limits,
    });
    try {
      const upstream = await session.upstream();
      const listener = await upstream.listen(this.#at, (offer) => this.#carry(offer));
      this.#listener = listener;
      if (this.#record === null) void listener.close();
      return listener.port;
    } catch (error) {
      this.#leave();
      const refused = error instanceof PosternError && error.code === 'forward.prohibited';
      if (!refused && !session.busy) void session.fail(error);
      throw error;
    }
  }

  renewed(route: AuthorizedRoute): Capability | null {
    const limits = this.#limitsUnder(route);
    if (limits === null) return 'forward-remote';
    this.#limits = limits;
    this.#record?.change(limits);
    return null;
  }

  #limitsUnder(route: AuthorizedRoute): Limits | null {
    const answer = listenPermission(route, this.#at, new Date());
    return answer.allowed ? answer.limits : null;
  }

  /** The user wants no more connections; those that stand go on. */
  async cancel(): Promise<void> {
    await this.#listener?.close();
    this.#leave();
  }

  /** With the session goes the connection to the machine, and with that the listener. */
  stop(): Promise<void> {
    this.#leave();
    return Promise.resolve();
  }

  #leave(): void {
    if (this.#record === null) return;
    this.#record.end(this.counts);
    this.#record = null;
    this.#session.leave(this);
    this.#ended.resolve();
  }

  #carry(offer: Offer): void {
    if (this.#record === null) {
      offer.refuse();
      return;
    }
    const port = this.#listener?.port ?? 0;
    const at = this.#at.type === 'tcp' ? { ...this.#at, port: port || this.#at.port } : this.#at;
    new Forward(this.#session, {
      capability: 'forward-remote',
      place: placeText(at),
      limits: this.#limits,
      limitsUnder: (route) => this.#limitsUnder(route),
      open: () => offeredEnds(offer, this.#openAtUser(at, offer)),
      refuse: () => offer.refuse(),
    });
  }
}
