import type { AuthorizedRoute } from './access.ts';
import type { Capability } from './capability.ts';
import type { SessionTicket } from './control-plane.ts';
import type { Place } from './forward.ts';
import type { Secret } from './secret.ts';
import type { ExitStatus, Program, Pty, Window } from './terminal.ts';

/** A display that programs may open windows on (RFC 4254 §6.3.1). */
export interface X11Request {
  /** One connection alone. */
  readonly single: boolean;
  /** The name of the authentication protocol. */
  readonly protocol: string;
  /** Hexadecimal. */
  readonly cookie: Secret;
  readonly screen: number;
}

/** What of a user's own a machine may use: their agent (`ssh -A`), their display (`ssh -X`). */
export type DeskKind = Extract<Capability, 'agent' | 'x11'>;

/** What of it a machine is asked to use, beside a program. */
export interface DeskRequest {
  readonly agent: boolean;
  readonly x11: X11Request | null;
  /** What the machine said, before the program begins; the program runs either way. */
  answered(kind: DeskKind, granted: boolean): void;
}

/** What a channel to the machine is asked for. */
export interface UpstreamRequest {
  /** Left out: nothing. */
  readonly desk?: DeskRequest | undefined;
  readonly program: Program;
  readonly pty: Pty | null;
  readonly env: readonly (readonly [name: string, value: string])[];
}

/**
 * One program on a machine. Bytes are untouched; `stdin.end()` is a half-close (EOF, not CLOSE).
 */
export interface UpstreamChannel {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  resize(window: Window): void;
  /** A signal's name without `SIG` (RFC 4254 §6.9). */
  signal(name: string): void;
  /** Milliseconds (RFC 4335). */
  sendBreak(length: number): void;
  /** The user's side has no reader any more (eow@openssh.com). */
  endOfWrite(): void;
  /**
   * When the program has ended and stdout and stderr have been read to their ends: how; null when
   * the machine did not say (connection lost). Never rejects.
   */
  readonly exited: Promise<ExitStatus | null>;
  /** Closes both directions at once. */
  close(): void;
}

/** One forwarded connection: bytes both ways, each way ended by itself. */
export interface Link {
  readonly stream: NodeJS.ReadWriteStream;
  /** EOF after everything that was written; the other way goes on. */
  endInput(): void;
  /** EOF and CLOSE after everything that was written; settles when they are out. Never rejects. */
  finish(): Promise<void>;
  /** Closes both ways at once. */
  close(): void;
  /** The other side has closed, and what it sent was read; or the connection is gone. */
  readonly closed: Promise<void>;
}

/** Who began a forwarded connection, for the other side's information. */
export interface Origin {
  readonly address: string;
  readonly port: number;
}

/** A connection that came to a listener of the machine; left alone, it waits. */
export interface Offer {
  readonly from: Origin;
  /** Undefined: it is gone. */
  accept(): Link | undefined;
  refuse(): void;
}

/** A listener on the machine. */
export interface UpstreamListener {
  /** The port that was taken where any was asked for; 0 for a socket. */
  readonly port: number;
  /** Takes no more connections; those that stand go on. Never rejects. */
  close(): Promise<void>;
}

/** How a connection to a machine ended: by us, by itself, or because the machine was stopped. */
export type UpstreamEnd = 'closed' | 'lost' | 'stopped';

/** One connection to a machine, for all channels of a session. */
export interface Upstream {
  /** Rejects with PosternError `machine.refused` or `machine.lost`. */
  open(request: UpstreamRequest): Promise<UpstreamChannel>;
  /**
   * A connection from the machine to `to`; what a name resolves to is the machine's word. Rejects with PosternError `forward.prohibited`,
   * `forward.failed` or `machine.lost`.
   */
  dial(to: Place, from: Origin): Promise<Link>;
  /**
   * Has the machine listen (the empty host: on every address; port 0: on any that is free). Rejects
   * with PosternError `forward.prohibited` or `machine.lost`.
   */
  listen(at: Place, onOffer: (offer: Offer) => void): Promise<UpstreamListener>;
  /**
   * From now on `onOffer` gets the connections that the machine opens to what it may use of its
   * user's, instead of who got them before; without anyone they are refused.
   */
  lend(kind: DeskKind, onOffer: (offer: Offer) => void): void;
  /** Settles once, when the connection is gone. */
  readonly closed: Promise<UpstreamEnd>;
  close(): void;
}

/** The agent of a user, for Postern's own log-in; what the machine may use of it is another matter. */
export interface UserAgent {
  /** Whether the user's client lets Postern use it (`ssh -A`). */
  readonly forwarded: boolean;
  /** A connection to it, which its receiver closes. Rejects when the client refuses. */
  open(): Promise<Link>;
}

/**
 * Dials machines. Rejects with PosternError (`machine.*`), at once when `signal` aborts. `agent` is
 * looked at for machines alone that are logged in to with it. Implemented in targets/.
 */
export interface TargetConnector {
  connect(
    route: AuthorizedRoute,
    ticket: SessionTicket,
    signal: AbortSignal,
    agent?: UserAgent,
  ): Promise<Upstream>;
}
