import type { ServerChannel } from 'ssh2';
import type { AuthorizedRoute } from '../domain/access.ts';
import type { ConnectionFacts, SignedIn } from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { EndReason, SessionKind } from '../domain/session.ts';
import type { Program } from '../domain/terminal.ts';
import type { UpstreamRequest } from '../domain/upstream.ts';
import { whenCloseAnswered } from '../ssh/close-answered.ts';
import type { GuardedConnection } from '../ssh/server.ts';
import { Approvals, type Need, permittedNow, SILENT, type Waiter } from './approvals.ts';
import { type Authenticated, Authentication, type Identity } from './authentication.ts';
import { GatewayChannel } from './channel.ts';
import { Decision } from './decision.ts';
import { Denials } from './denials.ts';
import { Desk } from './desk.ts';
import type { ProgramRequest } from './desk-asked.ts';
import { noteForced } from './forced.ts';
import { Forwards } from './forwards.ts';
import { type AnswerInside, type Inside, Jump } from './jump.ts';
import { Menus } from './menu/menus.ts';
import { programNeed } from './program-need.ts';
import { sessionKind } from './program-record.ts';
import { ProvenIdentity } from './proven.ts';
import type { Refusal } from './refusal.ts';
import { ChannelRequests, type ProgramTerms, type RunningProgram } from './requests.ts';
import { GatewaySession, type SessionDeps } from './session.ts';
import { DirectEnd, type UserEnd } from './user-end.ts';

/** How long a client may take to pass on what its user is told at the end, in milliseconds. */
const LAST_WORDS_MS = 1000;

/** The terms of who signed in without a certificate. */
const UNBOUND: ProgramTerms = { pty: true, forceCommand: null };

/** What the gateway hears of its connections. */
export interface ConnectionOwner {
  opened(session: GatewaySession): void;
  readonly answer: AnswerInside;
}

/**
 * One SSH transport from a client. Life: `start` (listeners, in the same turn) → authentication →
 * the access decision → session channels, which share one session → `closed`.
 */
export class DownstreamConnection {
  readonly id: string;
  readonly #guarded: GuardedConnection;
  readonly #deps: SessionDeps;
  readonly #owner: ConnectionOwner;
  readonly #log: Logger;
  readonly #authentication: Identity;
  readonly #jump: Jump;
  readonly #menus: Menus;
  readonly #desk: Desk;
  readonly #approvals: Approvals;
  readonly #denials: Denials;
  readonly #decision: Decision;
  #session: Promise<GatewaySession> | null = null;

  /** `inside`: of a connection in another one (`ssh -J`), what is known from that. */
  constructor(
    id: string,
    guarded: GuardedConnection,
    deps: SessionDeps,
    owner: ConnectionOwner,
    inside: Inside | null = null,
  ) {
    this.id = id;
    this.#guarded = guarded;
    this.#owner = owner;
    this.#log = deps.log.child({ connection: id });
    const { answer } = owner;
    const facts = (): ConnectionFacts => this.#facts();
    this.#decision = new Decision(deps.control, facts);
    this.#denials = new Denials(deps.control, facts, () => this.#authentication.result?.user);
    this.#desk = new Desk(guarded, {
      route: () => this.#nextRoute(),
      denied: (kind) => this.#denials.note(kind),
    });
    this.#deps = { ...deps, log: this.#log, agent: this.#desk.agent };
    this.#authentication =
      inside === null
        ? new Authentication(deps.control, facts, this.#log, (why) => guarded.destroy(why))
        : new ProvenIdentity(inside.authenticated);
    this.#jump = new Jump(
      { control: deps.control, guarded, facts, answer, log: this.#log },
      inside?.depth ?? 0,
    );
    this.#approvals = new Approvals(deps.control);
    this.#menus = new Menus({
      deps: this.#deps,
      facts,
      alive: () => guarded.alive,
      approvals: this.#approvals,
      need: ({ program }) => programNeed(program, this.#denials),
      opened: (session) => owner.opened(session),
      direct: (end, request) => this.#channel(end, request),
    });
  }

  /** Attaches every listener; ssh2 may emit anything from the next turn on. */
  start(): void {
    const { connection } = this.#guarded;
    connection.on('error', (error: Error) => {
      this.#log.debug('the connection failed', { reason: reasonOf(error) });
    });
    connection.on('authentication', (context) => this.#authentication.handle(context));
    connection.on('ready', () => this.#ready());
    connection.on('session', (accept) => {
      const session = accept();
      new ChannelRequests(
        (down, request, asked) => this.#program(down, request, asked),
        () => this.#authentication.result?.user.certificate ?? UNBOUND,
        this.#desk,
      ).listen(session);
    });
    new Forwards(this.#guarded, {
      enter: (need) => this.#enterFor('forward', need, SILENT),
      jump: (wanted, otherwise) =>
        this.#jump.handle(wanted, this.#authentication.result, otherwise),
      denied: (capability, place) => this.#denials.note(capability, place),
    }).listen();
    void this.#guarded.closed.then(() => this.#closed());
  }

  /** Null: nobody has signed in. */
  get user(): SignedIn | null {
    return this.#authentication.result?.user ?? null;
  }

  /** Settles when the connection is gone. */
  get gone(): Promise<void> {
    return this.#guarded.closed;
  }

  /** Ends what is inside, the connection's session, if there is one, and the connection. */
  async end(reason: EndReason, refusal: Refusal): Promise<void> {
    await this.#jump.end(reason, refusal);
    const session = await this.#current();
    await session?.end(reason, refusal);
    await this.#menus.end(reason, refusal);
    const { connection, closed } = this.#guarded;
    await whenCloseAnswered(connection, LAST_WORDS_MS, closed);
    this.#guarded.destroy(refusal.text);
  }

  /** What a channel is for: a menu, where a terminal names no machine, or the program itself. */
  #program(down: ServerChannel, request: ProgramRequest, asked: Program | null): RunningProgram {
    const { user, destination } = this.#authentication.result ?? {};
    const menu =
      user !== undefined && destination?.machine === null
        ? this.#menus.open(user, down, request)
        : null;
    return menu ?? this.#channel(new DirectEnd(down), request, asked);
  }

  #channel(end: UserEnd, request: ProgramRequest, asked: Program | null = null): GatewayChannel {
    return new GatewayChannel(end, request, (wanted, waiter) => this.#admit(wanted, asked, waiter));
  }

  #facts(): ConnectionFacts {
    return {
      connectionId: this.id,
      sourceAddress: this.#guarded.remoteAddress,
      client: this.#guarded.clientIdent,
    };
  }

  #ready(): void {
    const authenticated = this.#authentication.result;
    // ssh2 also says so of a socket that has gone since (research, pitfall 22).
    if (authenticated === null || !this.#guarded.alive) return;
    // Without a name there may be a menu first, which asks by itself.
    if (authenticated.destination.machine === null) return;
    this.#decision.ask(authenticated).catch((error: unknown) => {
      this.#log.error('no access decision could be made', { reason: reasonOf(error) });
    });
  }

  /** Where a program would run that is asked for next; null: nowhere, or it is a menu's choice. */
  async #nextRoute(): Promise<AuthorizedRoute | null> {
    const authenticated = this.#authentication.result;
    if (authenticated === null || authenticated.destination.machine === null) return null;
    const current = await this.#living();
    return current?.route ?? (await this.#route(authenticated).catch(() => null));
  }

  /** The session that a program runs in, once the route and the capability are allowed. */
  async #admit(
    request: UpstreamRequest,
    asked: Program | null,
    waiter: Waiter,
  ): ReturnType<ConstructorParameters<typeof GatewayChannel>[2]> {
    const need = programNeed(request.program, this.#denials);
    const { session, permitted } = await this.#enterFor(sessionKind(request), need, waiter);
    if (asked !== null) noteForced(session, request, asked);
    return { session, access: permitted };
  }

  /** The session, begun if need be, once its route allows what is needed. */
  async #enterFor<T>(
    kind: SessionKind,
    need: Need<T>,
    waiter: Waiter,
  ): Promise<{ readonly session: GatewaySession; readonly permitted: T }> {
    const authenticated = this.#authentication.result;
    if (authenticated === null) throw new PosternError('access.nothing');
    const current = await this.#living();
    if (current !== null) {
      return { session: current, permitted: permittedNow(current.route, need) };
    }
    const asker = { user: authenticated.user, facts: this.#facts(), kind, opener: 0 };
    const decided = await this.#route(authenticated);
    const { route, permitted } = await this.#approvals.allow(asker, decided, need, waiter);
    const session = await this.#enter(authenticated, route, kind);
    // A channel of the same burst may have begun the session, by another decision.
    if (session.route === route) return { session, permitted };
    return { session, permitted: permittedNow(session.route, need) };
  }

  async #route(authenticated: Authenticated): Promise<AuthorizedRoute> {
    const answer = await this.#decision.ask(authenticated);
    if (answer.outcome === 'denied') throw new PosternError(answer.code, answer.params);
    return answer.route;
  }

  /** The connection's session: the one that lives, or a new one after it ended. */
  async #enter(
    authenticated: Authenticated,
    route: AuthorizedRoute,
    kind: SessionKind,
  ): Promise<GatewaySession> {
    const before = this.#session;
    const current = await this.#living();
    if (current !== null) return current;
    // Of the channels that came in one burst, the first opens; the others find what it opened.
    if (this.#session === before) {
      this.#session = this.#open(authenticated, route, kind);
      this.#decision.used();
    }
    return this.#session ?? Promise.reject(new PosternError('internal'));
  }

  async #open(
    { user }: Authenticated,
    route: AuthorizedRoute,
    kind: SessionKind,
  ): Promise<GatewaySession> {
    const session = await GatewaySession.open(this.#deps, user, route, kind, this.#facts());
    this.#owner.opened(session);
    if (!this.#guarded.alive) void session.end('client_lost', null);
    return session;
  }

  async #living(): Promise<GatewaySession | null> {
    const current = await this.#current();
    return current === null || current.ending ? null : current;
  }

  async #current(): Promise<GatewaySession | null> {
    try {
      return (await this.#session) ?? null;
    } catch {
      return null;
    }
  }

  async #closed(): Promise<void> {
    if (this.#authentication.result === null && this.#authentication.failed > 0) {
      void this.#deps.control.note('auth.failed', {
        user: null,
        userName: this.#authentication.lastName,
        machineId: null,
        sessionId: null,
        facts: this.#facts(),
        detail: {
          attempts: this.#authentication.failed,
          reason: this.#authentication.reason,
        },
      });
    }
    this.#approvals.end();
    const menus = this.#menus.closed();
    const session = await this.#current();
    await session?.end(session.busy ? 'client_lost' : 'client_closed', null);
    await menus;
  }
}
