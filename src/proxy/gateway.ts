import { randomUUID } from 'node:crypto';
import type { Algorithms } from 'ssh2';
import type { Gateway, RouteAnswer } from '../domain/control-plane.ts';
import { Crowd } from '../domain/crowd.ts';
import { PosternError } from '../domain/errors.ts';
import type { EndReason } from '../domain/session.ts';
import type { HostKey } from '../ssh/host-key.ts';
import {
  createSshServer,
  type GuardedConnection,
  type ServerLimits,
  type SshServer,
} from '../ssh/server.ts';
import { type ConnectionOwner, DownstreamConnection } from './connection.ts';
import type { Inside } from './jump.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import type { GatewaySession, SessionDeps } from './session.ts';
import { GatewayTerminals } from './web/terminals.ts';

/** Begins with `OpenSSH_` because OpenSSH sends eow@openssh.com to its own kind alone. */
const IDENT = 'OpenSSH_9.9 Postern';

/**
 * Milliseconds for a client to leave by itself: OpenSSH drops the last line, unread, when its
 * connection is ended right behind it.
 */
const LEAVE_MS = 500;

/** Connections that one user has at once, of those that a process holds (`maxConnections` in ssh/server.ts). */
const MOST_OF_ONE = 500;

/** Ends that a session's grant or limits set. */
const LIMITS: readonly EndReason[] = ['access_revoked', 'max_session', 'idle_timeout'];

/** What a session runs on, as far as it has to end with it. */
interface SessionOwner {
  end(reason: EndReason, refusal: Refusal): Promise<void>;
}

/** A session that stands for itself. */
const NO_OWNER: SessionOwner = { end: () => Promise.resolve() };

export interface GatewayOptions extends SessionDeps {
  readonly hostKey: HostKey;
  /** As ServerOptions of ssh/server.ts. */
  readonly nextHostKeys?: readonly HostKey[];
  readonly banner?: string | undefined;
  readonly algorithms: Algorithms;
  readonly limits?: Partial<ServerLimits>;
  /** Connections that one user has at once; 500. */
  readonly mostOfOneUser?: number;
}

/** The SSH side of Postern: every connection and session that this process holds. */
export class SshGateway implements Gateway {
  /** Those whose users have no SSH connection. */
  readonly terminals: GatewayTerminals;
  readonly #server: SshServer;
  readonly #recorder: SessionDeps['recorder'];
  readonly #connections = new Set<DownstreamConnection>();
  readonly #crowd: Crowd;
  readonly #sessions = new Map<number, { session: GatewaySession; owner: SessionOwner }>();

  constructor(options: GatewayOptions) {
    this.#recorder = options.recorder;
    const { mostOfOneUser: mostOfOne = MOST_OF_ONE } = options;
    this.#crowd = new Crowd({ most: Number.POSITIVE_INFINITY, mostOfOne });
    this.terminals = new GatewayTerminals(options, (session) => this.#opened(session, NO_OWNER));
    this.#server = createSshServer({
      hostKey: options.hostKey,
      nextHostKeys: options.nextHostKeys ?? [],
      ...(options.banner === undefined ? {} : { banner: options.banner }),
      ident: IDENT,
      algorithms: options.algorithms,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      onConnection: (guarded) => {
        this.#take(guarded, options, null);
      },
      onEvent: ({ type, address, detail }) => {
        options.log.debug('front door', { event: type, address, detail });
      },
    });
  }

  /** Rejects when the address cannot be listened on; `reusePort` as in ssh/server.ts. */
  listen(host: string, port: number, reusePort = false): Promise<{ host: string; port: number }> {
    return this.#server.listen(host, port, reusePort);
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Bytes that wait for the disk of the recordings. */
  get recorderQueue(): number {
    return this.#recorder.queued;
  }

  async terminate(sessionId: number, reason: EndReason, by: string): Promise<boolean> {
    const held = this.#sessions.get(sessionId);
    if (held === undefined) return false;
    const refusal = refusalOf(new PosternError('session.terminated', { by }));
    // First the session, with this reason; then the connection it ran on.
    await held.session.end(reason, refusal);
    await held.owner.end('terminated', refusal);
    return true;
  }

  async renew(sessionId: number, answer: RouteAnswer): Promise<boolean> {
    const held = this.#sessions.get(sessionId);
    if (held === undefined) return false;
    await held.session.renew(answer);
    return true;
  }

  /** Accepts nobody any more, ends every session with a word to its user, then every connection. */
  async drain(): Promise<void> {
    const refusal: Refusal = refusalOf(new PosternError('session.draining'));
    const closed = this.#server.close();
    await Promise.all([
      this.terminals.end(refusal),
      ...[...this.#connections].map((connection) => connection.end('drained', refusal)),
    ]);
    await Promise.all([...this.#sessions.values()].map(({ session }) => session.ended));
    await this.#server.destroyAll(refusal.text);
    await closed;
  }

  #take(
    guarded: GuardedConnection,
    deps: SessionDeps,
    inside: Inside | null,
  ): DownstreamConnection {
    const owner: ConnectionOwner = {
      opened: (session) => this.#opened(session, connection),
      answer: (outer, open, identity, within, onInner) =>
        this.#server.answer(outer, open, identity, (inner) =>
          onInner(this.#take(inner, deps, within)),
        ),
    };
    const connection = new DownstreamConnection(randomUUID(), guarded, deps, owner, inside);
    this.#connections.add(connection);
    connection.start();
    guarded.connection.once('ready', () => this.#count(connection, guarded, deps));
    void guarded.closed.then(() => this.#connections.delete(connection));
    return connection;
  }

  /** Who has as many as one may is let go: they would shut the door on everybody else. */
  #count(connection: DownstreamConnection, guarded: GuardedConnection, deps: SessionDeps): void {
    const { user } = connection;
    if (user === null) return;
    const leave = this.#crowd.enter(String(user.userId));
    if (leave !== undefined) {
      void guarded.closed.then(leave);
      return;
    }
    const source = guarded.remoteAddress;
    deps.log.warn('a user has too many connections', { user: user.userName, source });
    guarded.destroy('too many connections of one user');
  }

  #opened(session: GatewaySession, owner: SessionOwner): void {
    this.#sessions.set(session.id, { session, owner });
    void session.ended.then((reason) => {
      this.#sessions.delete(session.id);
      // What cut the session short would begin it anew on the connection that it ran on.
      const { farewell } = session;
      if (!LIMITS.includes(reason) || farewell === null) return;
      setTimeout(() => void owner.end(reason, farewell), LEAVE_MS).unref();
    });
  }
}
