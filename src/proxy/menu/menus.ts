import type { ServerChannel } from 'ssh2';
import type { ConnectionFacts, SignedIn } from '../../domain/control-plane.ts';
import { PosternError } from '../../domain/errors.ts';
import type { ProgramAccess } from '../../domain/program-access.ts';
import type { EndReason } from '../../domain/session.ts';
import type { Approvals, Need, Waiter } from '../approvals.ts';
import type { ProgramRequest } from '../desk-asked.ts';
import type { Refusal } from '../refusal.ts';
import { GatewaySession, type SessionDeps } from '../session.ts';
import { MenuChannel, type MenuHost } from './menu-channel.ts';

/** What the menus of a connection need of it. */
export interface MenuConnection {
  readonly deps: SessionDeps;
  readonly facts: () => ConnectionFacts;
  readonly alive: () => boolean;
  readonly approvals: Approvals;
  readonly need: (request: ProgramRequest) => Need<ProgramAccess>;
  readonly opened: (session: GatewaySession) => void;
  readonly direct: MenuHost['direct'];
}

/** The menus of one connection, and the sessions that were begun from them. */
export class Menus {
  readonly #connection: MenuConnection;
  readonly #channels = new Set<MenuChannel>();
  readonly #sessions = new Set<GatewaySession>();
  #over = false;
  #choices = 0;

  constructor(connection: MenuConnection) {
    this.#connection = connection;
  }

  /** The menu for a shell on a terminal; null: there is none for what is asked. */
  open(user: SignedIn, down: ServerChannel, request: ProgramRequest): MenuChannel | null {
    if (request.pty === null || request.program.type !== 'shell') return null;
    const { deps, facts, direct } = this.#connection;
    const channel = new MenuChannel(down, request, request.pty, {
      reachable: () => deps.control.reachable(user, facts()),
      reachableChanged: (since) => deps.control.reachableChanged(since),
      direct,
      enter: (machine, wanted, waiter) => this.#enter(user, machine, wanted, waiter),
      left: (one) => this.#channels.delete(one),
    });
    this.#channels.add(channel);
    return channel;
  }

  /** Ends the sessions, then the menus, with a word to their user. */
  async end(reason: EndReason, refusal: Refusal): Promise<void> {
    this.#over = true;
    await Promise.all([...this.#sessions].map((session) => session.end(reason, refusal)));
    await Promise.all([...this.#channels].map((channel) => channel.stop(refusal)));
  }

  /** The connection is gone. */
  async closed(): Promise<void> {
    this.#over = true;
    const ends = [...this.#sessions].map((session) =>
      session.end(session.busy ? 'client_lost' : 'client_closed', null),
    );
    await Promise.all(ends);
  }

  async #enter(
    user: SignedIn,
    machine: string,
    request: ProgramRequest,
    waiter: Waiter,
  ): ReturnType<MenuHost['enter']> {
    const { deps, facts, approvals, need, opened, alive } = this.#connection;
    const answer = await deps.control.authorize(user, { machine, login: null }, facts());
    if (answer.outcome === 'denied') throw new PosternError(answer.code, answer.params);
    // Each choice from a menu opens a session of its own.
    this.#choices += 1;
    const asker = { user, facts: facts(), kind: 'shell', opener: this.#choices } as const;
    const allowed = await approvals.allow(asker, answer.route, need(request), waiter);
    const { route, permitted: access } = allowed;
    if (this.#over) throw new PosternError('session.draining');
    const session = await GatewaySession.open(deps, user, route, 'shell', facts());
    opened(session);
    this.#sessions.add(session);
    void session.ended.then(() => this.#sessions.delete(session));
    if (this.#over || !alive()) void session.end('client_lost', null);
    return { session, access };
  }
}
