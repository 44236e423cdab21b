import { type AuthorizedRoute, permission } from '../domain/access.ts';
import type { DeskKind, Offer, Upstream, UserAgent } from '../domain/upstream.ts';
import { openAgent, openX11 } from '../ssh/desk.ts';
import { type ChannelLink, linkOf } from '../ssh/link.ts';
import type { GuardedConnection } from '../ssh/server.ts';
import { Forward, offeredEnds } from './forward.ts';
import type { GatewaySession } from './session.ts';

/** Connections from machines to the agent and the display of one client that stand at once. */
const MOST_OPEN = 32;

/** How long a client may take to answer one, in milliseconds. */
const OPEN_MS = 30_000;

/** What a desk needs of its connection. */
export interface DeskHost {
  /** Where a program would run that the client asks for next; null: nowhere, or nobody knows yet. */
  route(): Promise<AuthorizedRoute | null>;
  denied(kind: DeskKind): void;
}

/**
 * What the user of one connection has at hand and lets machines use: their agent (`ssh -A`) and
 * their display (`ssh -X`). Machines open the connections; a grant has to allow it.
 */
export class Desk implements DeskHost {
  /** For Postern's own log-in. */
  readonly agent: UserAgent;
  readonly #guarded: GuardedConnection;
  readonly #host: DeskHost;
  #agentForwarded = false;
  #open = 0;

  constructor(guarded: GuardedConnection, host: DeskHost) {
    this.#guarded = guarded;
    this.#host = host;
    const forwarded = (): boolean => this.#agentForwarded;
    this.agent = {
      get forwarded() {
        return forwarded();
      },
      open: () => this.#openAtUser('agent', { address: '', port: 0 }),
    };
  }

  /** The client would answer for its agent from now on. */
  agentForwarded(): void {
    this.#agentForwarded = true;
  }

  route(): Promise<AuthorizedRoute | null> {
    return this.#host.route();
  }

  denied(kind: DeskKind): void {
    this.#host.denied(kind);
  }

  /** Carries what the machine opens, as long as the session's grants allow it. */
  lend(kind: DeskKind, session: GatewaySession, upstream: Upstream): void {
    upstream.lend(kind, (offer) => this.#carry(kind, session, offer));
  }

  #carry(kind: DeskKind, session: GatewaySession, offer: Offer): void {
    const under = (route: AuthorizedRoute) => {
      const limits = permission(route, kind, new Date());
      return typeof limits === 'string' ? null : limits;
    };
    const limits = under(session.route);
    if (limits === null || this.#open >= MOST_OPEN) {
      this.#host.denied(kind);
      offer.refuse();
      return;
    }
    this.#open += 1;
    const forward = new Forward(session, {
      capability: kind,
      place: kind,
      limits,
      limitsUnder: under,
      open: () => offeredEnds(offer, this.#openAtUser(kind, offer.from)),
      refuse: () => offer.refuse(),
    });
    void forward.done.then(() => {
      this.#open -= 1;
    });
  }

  async #openAtUser(kind: DeskKind, from: Offer['from']): Promise<ChannelLink> {
    const { connection } = this.#guarded;
    return linkOf(
      kind === 'agent'
        ? await openAgent(connection, OPEN_MS)
        : await openX11(connection, from, OPEN_MS),
    );
  }
}
