import { type AuthorizedRoute, toSameContainer, widestLimits } from '../domain/access.ts';
import type { Capability } from '../domain/capability.ts';
import type {
  ConnectionFacts,
  ControlPlane,
  RouteAnswer,
  SessionTicket,
  SignedIn,
} from '../domain/control-plane.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf, rootReasonOf } from '../domain/log.ts';
import type { Recorder } from '../domain/recording.ts';
import type { EndReason, SessionKind } from '../domain/session.ts';
import type { TransferObserver } from '../domain/transfer.ts';
import type { TargetConnector, Upstream, UpstreamEnd, UserAgent } from '../domain/upstream.ts';
import { type LimitReached, LimitWatch } from './limits.ts';
import type { PipeCounts } from './pipe.ts';
import { endReasonOf, type Refusal, refusalOf } from './refusal.ts';
import { Timeline } from './timeline.ts';
import { within } from './within.ts';

/** Milliseconds between two signs of life to the control plane. */
const HEARTBEAT_MS = 15_000;

/** How long the channels of an ending session, and its connection to the machine, may take, in milliseconds. */
const CHANNELS_MS = 5000;

/**
 * How long the end of a session waits for the control plane to have it, in milliseconds. While the
 * database is away that is longer; the fact waits there then, and nobody has to wait for it here.
 */
const REPORT_MS = 5000;

export interface SessionDeps {
  readonly control: ControlPlane;
  readonly connector: TargetConnector;
  readonly recorder: Recorder;
  readonly observer: TransferObserver;
  readonly log: Logger;
  /** Of the user of the connection that the session is on. */
  readonly agent?: UserAgent;
}

/** A channel as its session sees it. */
export interface SessionMember {
  readonly counts: PipeCounts;
  /** True: it only waits for others to begin, and nothing is lost with it. */
  readonly waits?: boolean;
  /** Monotonic milliseconds of the last byte either way. */
  readonly lastByteAt: number;
  /** Ends the channel, telling its user why (null: there is nobody to tell); settles at the end. */
  stop(refusal: Refusal | null): Promise<void>;
  readonly done: Promise<void>;
  /** Goes on under this decision; answers the capability that it needs and does not have any more. */
  renewed(route: AuthorizedRoute): Capability | null;
}

/**
 * One user on one machine through one connection. Life: `open` (noted by the control plane) →
 * `upstream` (dialled once, by the first channel) → channels join and leave → `end`, once, with one
 * reason, whoever calls it (invariant 4).
 */
export class GatewaySession {
  readonly id: number;
  readonly user: SignedIn;
  readonly facts: ConnectionFacts;
  readonly deps: SessionDeps;
  readonly log: Logger;
  readonly timeline = new Timeline();
  /** Monotonic milliseconds. */
  readonly startedAt = performance.now();
  readonly #ticket: SessionTicket;
  readonly #watch: LimitWatch | null = null;
  #route: AuthorizedRoute;
  readonly #members = new Set<SessionMember>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #abort = new AbortController();
  readonly #gone: PipeCounts = { bytesIn: 0, bytesOut: 0 };
  #channels = 0;
  #upstream: Promise<Upstream> | null = null;
  #lost: PosternError | null = null;
  #ending: Promise<void> | null = null;
  #farewell: Refusal | null = null;
  #lastByteAt = this.startedAt;
  readonly #ended = Promise.withResolvers<EndReason>();

  private constructor(
    deps: SessionDeps,
    user: SignedIn,
    route: AuthorizedRoute,
    facts: ConnectionFacts,
    ticket: SessionTicket,
  ) {
    this.deps = deps;
    this.user = user;
    this.#route = route;
    this.facts = facts;
    this.id = ticket.sessionId;
    this.#ticket = ticket;
    this.log = deps.log.child({ session: ticket.sessionId });
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
    this.#watch = new LimitWatch(widestLimits(route), this, (limit) => this.limited(limit));
  }

  /** Rejects with PosternError when the session cannot be noted. */
  static async open(
    deps: SessionDeps,
    user: SignedIn,
    route: AuthorizedRoute,
    kind: SessionKind,
    facts: ConnectionFacts,
  ): Promise<GatewaySession> {
    const ticket = await deps.control.openSession(user, route, kind, facts);
    const session = new GatewaySession(deps, user, route, facts, ticket);
    session.log.info('session opened', {
      user: user.userName,
      machine: route.machine.name,
      login: route.login,
      source: facts.sourceAddress,
    });
    return session;
  }

  /** The access decision that it rests on now. */
  get route(): AuthorizedRoute {
    return this.#route;
  }

  /** Settles when the session has ended, with the reason. */
  get ended(): Promise<EndReason> {
    return this.#ended.promise;
  }

  get ending(): boolean {
    return this.#ending !== null;
  }

  /** Whether a channel is open that does something. */
  get busy(): boolean {
    return [...this.#members].some(({ waits }) => waits !== true);
  }

  /** How the machine's connection broke without our doing; null: it did not. */
  get machineLost(): PosternError | null {
    return this.#lost;
  }

  /** What the channels of the ending session are told. */
  get farewell(): Refusal | null {
    return this.#farewell;
  }

  /** Monotonic milliseconds of the last byte on any channel. */
  get lastByteAt(): number {
    return Math.max(this.#lastByteAt, ...[...this.#members].map((one) => one.lastByteAt));
  }

  /** Takes a channel in and answers its number, from 1; null: the session ends, nothing may begin. */
  join(member: SessionMember): number | null {
    if (this.#ending !== null) return null;
    this.#members.add(member);
    this.#channels += 1;
    return this.#channels;
  }

  leave(member: SessionMember): void {
    if (!this.#members.delete(member)) return;
    this.#gone.bytesIn += member.counts.bytesIn;
    this.#gone.bytesOut += member.counts.bytesOut;
    this.#lastByteAt = Math.max(this.#lastByteAt, member.lastByteAt);
    this.#endIfLost();
  }

  /** The connection to the machine, dialled at the first call. Rejects with PosternError. */
  upstream(): Promise<Upstream> {
    this.#upstream ??= this.#dial();
    return this.#upstream;
  }

  async #dial(): Promise<Upstream> {
    const { connector, control } = this.deps;
    try {
      const { signal } = this.#abort;
      const upstream = await connector.connect(this.route, this.#ticket, signal, this.deps.agent);
      void upstream.closed.then((how) => this.#upstreamClosed(how));
      void control.sessionActive(this.id, this.route.machine.id);
      return upstream;
    } catch (error) {
      // Called off: that says nothing about the machine.
      if (this.#abort.signal.aborted) throw error;
      const { text, exit } = refusalOf(error);
      const about = { text, cause: rootReasonOf(error) };
      this.log.warn('the machine was not reached', { machine: this.route.machine.name, ...about });
      void control.note('machine.failed', {
        user: this.user,
        userName: this.user.userName,
        machineId: this.route.machine.id,
        sessionId: this.id,
        facts: this.facts,
        detail: { text, exit },
      });
      throw error;
    }
  }

  #upstreamClosed(how: UpstreamEnd): void {
    if (how === 'closed') return;
    this.#lost = new PosternError(`machine.${how}`, { machine: this.route.machine.name });
    this.#endIfLost();
  }

  #endIfLost(): void {
    if (this.#lost !== null && !this.busy) void this.fail(this.#lost);
  }

  /**
   * Takes the access decision as it was made again; settles when that had its effect. Channels that
   * need what is not allowed any more end the session.
   */
  async renew(answer: RouteAnswer): Promise<void> {
    if (answer.outcome === 'denied') {
      await this.#revoke(new PosternError(answer.code, answer.params));
      return;
    }
    this.#route = toSameContainer(this.#route, answer.route);
    this.#watch?.change(widestLimits(answer.route));
    for (const member of this.#members) {
      const lost = member.renewed(answer.route);
      if (lost === null) continue;
      const machine = answer.route.machine.name;
      await this.#revoke(new PosternError('access.withdrawn', { capability: lost, machine }));
      return;
    }
  }

  #revoke(error: PosternError): Promise<void> {
    return this.end('access_revoked', refusalOf(error));
  }

  /** A limit of the grant was reached. */
  limited({ reason, code }: LimitReached): void {
    void this.end(reason, refusalOf(new PosternError(code, { machine: this.route.machine.name })));
  }

  /** Ends the session because something failed that only the session as a whole can answer for. */
  fail(error: unknown): Promise<void> {
    return this.end(endReasonOf(error), refusalOf(error));
  }

  /**
   * Ends the session: its channels (told why, when there is something to tell), its connection to
   * the machine, its row. Settles when the control plane has it; the same promise to every caller,
   * and the first reason stands.
   */
  end(reason: EndReason, refusal: Refusal | null): Promise<void> {
    if (this.#ending === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Before anything else: what ends with the session may ask whether it is ending.
      this.#ending = promise;
      this.#farewell = refusal;
      void this.#end(reason, refusal).then(resolve);
    }
    return this.#ending;
  }

  async #end(reason: EndReason, refusal: Refusal | null): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#watch?.stop();
    this.#abort.abort();
    const members = [...this.#members];
    const all = (works: Promise<void>[]) => Promise.all(works).then(() => undefined);
    await within(CHANNELS_MS, all(members.map((member) => member.stop(refusal))));
    // A machine keeps a channel for as long as its program ignores that nobody is there any more:
    // what is left of them goes with the connection.
    await within(CHANNELS_MS, this.#hangUp());
    await within(CHANNELS_MS, all(members.map((member) => member.done)));
    const { bytesIn, bytesOut } = this.bytes();
    await within(REPORT_MS, this.#report(reason, { bytesIn, bytesOut }));
    this.log.info('session ended', { reason, bytesIn, bytesOut });
    this.#ended.resolve(reason);
  }

  async #report(reason: EndReason, bytes: PipeCounts): Promise<void> {
    try {
      await this.deps.control.closeSession(this.id, reason, bytes);
    } catch (error) {
      this.log.error('the end of a session was not reported', { reason: reasonOf(error) });
    }
  }

  async #hangUp(): Promise<void> {
    try {
      const upstream = await this.#upstream;
      upstream?.close();
    } catch {
      // It was never reached; whoever asked for it was told.
    }
  }

  bytes(): PipeCounts {
    const sum = { ...this.#gone };
    for (const { counts } of this.#members) {
      sum.bytesIn += counts.bytesIn;
      sum.bytesOut += counts.bytesOut;
    }
    return sum;
  }

  #beat(): void {
    const { bytesIn, bytesOut } = this.bytes();
    void this.deps.control.heartbeat(this.id, bytesIn, bytesOut);
  }
}
