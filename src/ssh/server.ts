import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import ssh2, {
  type Algorithms,
  type Connection,
  type ParsedKey,
  type Server,
  type ServerChannel,
} from 'ssh2';
import { Crowd } from '../domain/crowd.ts';
import { plainAddress, sourceOf } from '../domain/source.ts';
import { sendOwnExtInfo } from './ext-info.ts';
import { GuardViolation } from './guard.ts';
import { bothForServer, type CertifiedHostKey } from './host-certificate.ts';
import { forServer, type HostKey } from './host-key.ts';
import { announceHostKeys } from './host-key-update.ts';
import type { OwnerInternals } from './internals.ts';
import { guardConnection, installGuards } from './library.ts';
import { printable } from './printable.ts';
import { type Arrival, Tunnel } from './tunnel.ts';
import { type GuardedConnection, Visitor } from './visitor.ts';

export type { GuardedConnection } from './visitor.ts';

/** Bounds on what one client, one address and all clients together may take. */
export interface ServerLimits {
  /** From the TCP connection to a finished authentication, in milliseconds. */
  readonly graceMs: number;
  /** Connections not authenticated yet, over all addresses. */
  readonly maxStartups: number;
  /** Connections not authenticated yet from one address (IPv6: one /64). */
  readonly maxStartupsPerAddress: number;
  /** Connections in all. */
  readonly maxConnections: number;
  /** Failed authentication attempts on one connection (a first `none` and partial successes are free). */
  readonly maxAuthTries: number;
  /** Channels open at once on one connection. */
  readonly maxChannels: number;
  /** Channel opens on one connection in a burst; the allowance comes back in ten seconds. */
  readonly maxChannelOpens: number;
  /** Requests on one channel in a burst; the allowance comes back in ten seconds. */
  readonly maxChannelRequests: number;
  /** Global requests on one connection in a burst; the allowance comes back in ten seconds. */
  readonly maxGlobalRequests: number;
  /** The longest command of an exec request, in bytes. */
  readonly maxExecBytes: number;
  /** Environment variables on one channel. */
  readonly maxEnv: number;
  /** Bytes of environment names and values on one channel. */
  readonly maxEnvBytes: number;
  /** From the start of a key re-exchange to its end, in milliseconds. */
  readonly rekeyTimeoutMs: number;
  /** Re-key after so many bytes in both directions (RFC 4253 section 9: one gigabyte). */
  readonly rekeyBytes: number;
  /** Re-key after so many milliseconds (RFC 4253 section 9: one hour). */
  readonly rekeyMs: number;
  /** Between two keepalive questions to a silent client, in milliseconds; three stay unanswered. */
  readonly keepaliveMs: number;
}

/** What happened at the front door; `detail` has no control characters. */
export interface ServerEvent {
  readonly type: 'refused' | 'grace' | 'killed' | 'error';
  readonly address: string;
  readonly detail?: string;
}

export interface ServerOptions {
  readonly hostKey: HostKey;
  /** Keys that will take its place: clients are told of them, and learn them (docs/algorithms.md). */
  readonly nextHostKeys?: readonly HostKey[];
  /** After `SSH-2.0-`; start it with `OpenSSH_` or OpenSSH clients will not send eow@openssh.com. */
  readonly ident: string;
  readonly algorithms: Algorithms;
  readonly limits?: Partial<ServerLimits>;
  /** Text shown before authentication. */
  readonly banner?: string;
  onConnection(connection: GuardedConnection): void;
  onEvent?(event: ServerEvent): void;
}

export interface SshServer {
  /** `reusePort`: other processes may listen on the same port, and share what comes in. */
  listen(host: string, port: number, reusePort?: boolean): Promise<{ host: string; port: number }>;
  /**
   * Answers SSH inside of a channel of `outer`, with a certified host key of its own, as if a client
   * of the same address had connected: the same guards and bounds, and it counts as a connection.
   * `open` accepts the channel; false, and not called: the door is full, or the outer one ends.
   */
  answer(
    outer: GuardedConnection,
    open: () => ServerChannel | undefined,
    identity: CertifiedHostKey,
    onConnection: (connection: GuardedConnection) => void,
  ): boolean;
  /** Stops accepting; connections go on. */
  close(): Promise<void>;
  destroyAll(reason: string): Promise<void>;
  readonly count: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  graceMs: 60_000,
  // An automation host opens dozens at once; each costs some 25 KB until it is authenticated.
  maxStartups: 300,
  maxStartupsPerAddress: 100,
  maxConnections: 2_000,
  maxAuthTries: 10,
  maxChannels: 64,
  maxChannelOpens: 128,
  maxChannelRequests: 256,
  maxGlobalRequests: 256,
  maxExecBytes: 32_768,
  maxEnv: 128,
  maxEnvBytes: 32_768,
  rekeyTimeoutMs: 15_000,
  rekeyBytes: 2 ** 30,
  rekeyMs: 3_600_000,
  keepaliveMs: 20_000,
};

/** Someone at the door, and who is told when it identifies itself. */
interface Guest {
  readonly visitor: Visitor;
  /** The one that is shown, then those that the client is to learn. */
  readonly hostKeys: readonly HostKey[];
  readonly onConnection: (connection: GuardedConnection) => void;
}

/** Refuses, times and counts sockets before ssh2 sees them (ssh2 has no timer of its own). */
class FrontDoor implements SshServer {
  readonly #options: ServerOptions;
  readonly #limits: ServerLimits;
  readonly #ssh: Server;
  readonly #listener: NetServer;
  readonly #startups: Crowd;
  readonly #guests = new Map<Arrival, Guest>();

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { maxStartups: most, maxStartupsPerAddress: mostOfOne } = this.#limits;
    this.#startups = new Crowd({ most, mostOfOne });
    this.#ssh = this.#speak([forServer(options.hostKey)], options.banner);
    // Latency: without this each small packet waits for the answer to the one before.
    this.#listener = createServer({ noDelay: true, keepAlive: true }, (socket) =>
      this.#accept(socket),
    );
    this.#listener.on('error', (error) => this.#tell('error', '', error.message));
  }

  /** ssh2's server, which never listens: sockets are handed to it. */
  #speak(hostKeys: readonly ParsedKey[], banner?: string): Server {
    const { ident, algorithms } = this.#options;
    const server = new ssh2.Server({
      hostKeys: hostKeys.map((key) => ({ key })),
      ident,
      algorithms,
      keepaliveInterval: this.#limits.keepaliveMs,
      keepaliveCountMax: 3,
      ...(banner === undefined ? {} : { banner }),
    });
    server.on('connection', (connection, info) => this.#greet(connection, info.header.identRaw));
    // An error of a listener that never listens; ssh2 passes it on, and unheard it would be thrown.
    server.on('error', (error: Error) => this.#tell('error', '', error.message));
    return server;
  }

  get count(): number {
    return this.#guests.size;
  }

  listen(host: string, port: number, reusePort = false): Promise<{ host: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen({ host, port, reusePort }, () => {
        this.#listener.off('error', reject);
        const address = this.#listener.address() as AddressInfo;
        resolve({ host: address.address, port: address.port });
      });
    });
  }

  /** Does not wait for the connections, which net.Server#close would. */
  close(): Promise<void> {
    if (this.#listener.listening) this.#listener.close();
    return Promise.resolve();
  }

  async destroyAll(reason: string): Promise<void> {
    const visitors = [...this.#guests.values()].map(({ visitor }) => visitor);
    for (const visitor of visitors) visitor.destroy(reason);
    await Promise.all(visitors.map((visitor) => visitor.closed));
  }

  #tell(type: ServerEvent['type'], address: string, detail: unknown): void {
    this.#options.onEvent?.({ type, address, detail: printable(detail) });
  }

  answer(
    outer: GuardedConnection,
    open: () => ServerChannel | undefined,
    identity: CertifiedHostKey,
    onConnection: (connection: GuardedConnection) => void,
  ): boolean {
    const leave = outer.alive ? this.#enter(outer.remoteAddress) : undefined;
    if (!leave) return false;
    const channel = open();
    if (!channel) {
      leave();
      return false;
    }
    const tunnel = new Tunnel(channel, outer.remotePort);
    // Messages shown before authentication were shown by the outer connection.
    const server = this.#speak(bothForServer(identity));
    const visitor = this.#admit(tunnel, outer.remoteAddress, leave, {
      // Of certificates a client can learn nothing: it has their authority's key.
      hostKeys: [identity.hostKey],
      onConnection,
    });
    void outer.closed.then(() => visitor.destroy('the outer connection ended'));
    server.injectSocket(tunnel as unknown as Socket);
    return true;
  }

  #accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress);
    socket.on('error', () => undefined);
    const leave = this.#enter(address);
    if (!leave) {
      socket.destroy();
      return;
    }
    const { hostKey, nextHostKeys = [], onConnection } = this.#options;
    this.#admit(socket, address, leave, { hostKeys: [hostKey, ...nextHostKeys], onConnection });
    this.#ssh.injectSocket(socket);
  }

  /** A place at the door; undefined, and told: there is none. */
  #enter(address: string): (() => void) | undefined {
    const full = this.#guests.size >= this.#limits.maxConnections;
    const leave = full ? undefined : this.#startups.enter(sourceOf(address));
    if (leave) return leave;
    this.#tell('refused', address, full ? 'too many connections' : 'too many unauthenticated');
    return undefined;
  }

  #admit(
    arrival: Arrival,
    address: string,
    leave: () => void,
    guest: Omit<Guest, 'visitor'>,
  ): Visitor {
    const visitor = new Visitor(arrival, address, leave);
    this.#guests.set(arrival, { visitor, ...guest });
    visitor.startGrace(this.#limits.graceMs, () =>
      this.#tell('grace', address, 'not authenticated in time'),
    );
    void visitor.closed.then(() => {
      this.#guests.delete(arrival);
      if (!visitor.isIdentified) this.#tell('error', address, 'never identified itself');
    });
    return visitor;
  }

  /** The client has identified itself; no packet of it was looked at yet. */
  #greet(connection: Connection, ident: string): void {
    const owner = connection as unknown as OwnerInternals;
    const guest = this.#guests.get(owner._sock as Arrival);
    if (!guest) return;
    const { visitor, hostKeys, onConnection } = guest;
    connection.on('error', (error: Error) => {
      const type = error instanceof GuardViolation ? 'killed' : 'error';
      this.#tell(type, visitor.remoteAddress, error.message);
    });
    guardConnection(owner, this.#limits);
    sendOwnExtInfo(owner);
    announceHostKeys(owner, hostKeys);
    onConnection(visitor.identify(connection, ident));
  }
}

/** Makes a server that stands behind its own front door; see `ServerLimits` for the bounds. */
export function createSshServer(options: ServerOptions): SshServer {
  installGuards();
  return new FrontDoor(options);
}
