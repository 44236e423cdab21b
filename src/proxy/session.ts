import type { AuthorizedRoute } from '../domain/access.ts';
import type {
  ConnectionFacts,
  ControlPlane,
  SessionTicket,
  SignedIn,
} from '../domain/control-plane.ts';
import type { Logger } from '../domain/log.ts';
import type { Recorder } from '../domain/recording.ts';
import type { EndReason, SessionKind } from '../domain/session.ts';
import type { TargetConnector, Upstream } from '../domain/upstream.ts';
import type { PipeCounts } from './pipe.ts';
import { endReasonOf, type Refusal, refusalOf } from './refusal.ts';

/** Milliseconds between two signs of life to the control plane. */
const HEARTBEAT_MS = 15_000;

/** How long the channels of an ending session may take, in milliseconds. */
const CHANNELS_MS = 5000;

export interface SessionDeps {
  readonly control: ControlPlane;
  readonly connector: TargetConnector;
  readonly recorder: Recorder;
  readonly log: Logger;
}

/** A channel as its session sees it. */
export interface SessionMember {
  readonly counts: PipeCounts;
  /** Ends the channel, telling its user why; settles when it has ended. */
  stop(refusal: Refusal): Promise<void>;
  readonly done: Promise<void>;
}

/**
 * One user on one machine through one connection. Life: `open` (noted by the control plane) →
 * `upstream` (dialled once, by the first channel) → channels join and leave → `end`, once, with one
 * reason, whoever calls it (invariant 4).
 */
export class GatewaySession {
  readonly id: number;
  readonly user: SignedIn;
  readonly route: AuthorizedRoute;
  readonly facts: ConnectionFacts;
  readonly deps: SessionDeps;
  readonly log: Logger;
  readonly #ticket: SessionTicket;
  readonly #members = new Set<SessionMember>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #abort = new AbortController();
  readonly #gone: PipeCounts = { bytesIn: 0, bytesOut: 0 };
  #channels = 0;
  #upstream: Promise<Upstream> | null = null;
  #lost = false;
  #ending: Promise<void> | null = null;
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
    this.route = route;
    this.facts = facts;
    this.id = ticket.sessionId;
    this.#ticket = ticket;
    this.log = deps.log.child({ session: ticket.sessionId });
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
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

  /** Settles when the session has ended, with the reason. */
  get ended(): Promise<EndReason> {
    return this.#ended.promise;
  }

  get ending(): boolean {
    return this.#ending !== null;
  }

  /** Whether a channel is open. */
  get busy(): boolean {
    return this.#members.size > 0;
  }

  /** Whether the machine's connection broke without our doing. */
  get machineLost(): boolean {
    return this.#lost;
  }

  /** Takes a channel in and answers its number, from 1. */
  join(member: SessionMember): number {
    this.#members.add(member);
    this.#channels += 1;
    return this.#channels;
  }

  leave(member: SessionMember): void {
    if (!this.#members.delete(member)) return;
    this.#gone.bytesIn += member.counts.bytesIn;
    this.#gone.bytesOut += member.counts.bytesOut;
    if (this.#lost && !this.busy) void this.end('machine_lost', null);
  }

  /** The connection to the machine, dialled at the first call. Rejects with PosternError. */
  upstream(): Promise<Upstream> {
    this.#upstream ??= this.#dial();
    return this.#upstream;
  }

  async #dial(): Promise<Upstream> {
    const { connector, control } = this.deps;
    try {
      const upstream = await connector.connect(this.route, this.#ticket, this.#abort.signal);
      void upstream.closed.then((how) => this.#upstreamClosed(how));
      void control.sessionActive(this.id, this.route.machine.id);
      return upstream;
    } catch (error) {
      const { text, exit } = refusalOf(error);
      this.log.warn('the machine was not reached', { machine: this.route.machine.name, text });
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

  #upstreamClosed(how: 'closed' | 'lost'): void {
    if (how === 'closed') return;
    this.#lost = true;
    if (!this.busy) void this.end('machine_lost', null);
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
    this.#ending ??= this.#end(reason, refusal);
    return this.#ending;
  }

  async #end(reason: EndReason, refusal: Refusal | null): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#abort.abort();
    const members = [...this.#members];
    const told = refusal ?? { text: 'the session has ended', exit: 255 as const };
    const all = Promise.all(
      members.map((member) => member.stop(told).then(() => member.done)),
    ).then(() => undefined);
    await within(CHANNELS_MS, all);
    await this.#hangUp();
    const { bytesIn, bytesOut } = this.bytes();
    await this.deps.control.closeSession(this.id, reason, { bytesIn, bytesOut });
    this.log.info('session ended', { reason, bytesIn, bytesOut });
    this.#ended.resolve(reason);
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

/** Settles with the work, or after `milliseconds` without it. */
async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
