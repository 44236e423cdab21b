import type { Algorithms, Connection } from 'ssh2';
import type { HostKey } from './host-key.ts';

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

export interface GuardedConnection {
  readonly connection: Connection;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The client's identification line, printable ASCII, at most 255 characters. */
  readonly clientIdent: string;
  /** False from the moment that the connection is ending; look before dialling a machine. */
  readonly alive: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Resolves, and never rejects, when the socket is gone. */
  readonly closed: Promise<void>;
  /** Says goodbye, then destroys the socket within half a second. */
  destroy(reason: string): void;
}

/** What happened at the front door; `detail` has no control characters. */
export interface ServerEvent {
  readonly type: 'refused' | 'grace' | 'killed' | 'error';
  readonly address: string;
  readonly detail?: string;
}

export interface ServerOptions {
  readonly hostKey: HostKey;
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
  listen(host: string, port: number): Promise<{ host: string; port: number }>;
  /** Stops accepting; connections go on. */
  close(): Promise<void>;
  destroyAll(reason: string): Promise<void>;
  readonly count: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  graceMs: 60_000,
  maxStartups: 100,
  maxStartupsPerAddress: 20,
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

export function createSshServer(_options: ServerOptions): SshServer {
  throw new Error('not written yet');
}
