/**
 * What a user has at hand and a machine may use: their agent (OpenSSH's PROTOCOL, and
 * draft-ietf-sshm-ssh-agent) and their display (RFC 4254 section 6.3).
 */
import type { EventEmitter } from 'node:events';
import type { Channel, Client, Connection, Session } from 'ssh2';
import { openChannel, type RefuseOpen } from './opens.ts';
import { uint32, wireString } from './wire.ts';

/** A display to be used, as a client asks for it. */
export interface X11Fields {
  readonly single: boolean;
  /** The name of the authentication protocol. */
  readonly protocol: string;
  /** Hexadecimal; a secret. */
  readonly cookie: string;
  readonly screen: number;
}

interface Origin {
  readonly address: string;
  readonly port: number;
}

type Decide = () => void;

/** Listens to auth-agent-req on a server session; both answers are always there. */
export function onAgentRequest(
  session: Session,
  listener: (accept: Decide, reject: Decide) => void,
): void {
  session.on('auth-agent', (accept, reject) => listener(accept, reject));
}

/** Listens to x11-req on a server session; its fields are as long as a packet lets them be. */
export function onX11Request(
  session: Session,
  listener: (accept: Decide, reject: Decide, info: X11Fields) => void,
): void {
  session.on('x11', (accept, reject, info: unknown) => listener(accept, reject, info as X11Fields));
}

/** The type-specific part of x11-req. */
export function x11Data({ single, protocol, cookie, screen }: X11Fields): Buffer {
  const flag = Uint8Array.of(single ? 1 : 0);
  return Buffer.concat([flag, wireString(protocol), wireString(cookie), uint32(screen)]);
}

/** Listens to a machine that wants to speak to its user's agent. */
export function onAgentOpen(
  client: Client,
  listener: (accept: () => Channel | undefined, refuse: RefuseOpen) => void,
): void {
  (client as EventEmitter).on('postern:agent', listener);
}

/** Listens to a machine where a program wants to speak to its user's display. */
export function onX11Open(
  client: Client,
  listener: (
    accept: () => Channel | undefined,
    refuse: RefuseOpen,
    info: { readonly from: Origin },
  ) => void,
): void {
  (client as EventEmitter).on('postern:x11', listener);
}

/** A channel to the client's agent. Rejects as openChannel does. */
export function openAgent(connection: Connection, timeoutMs: number): Promise<Channel> {
  return openChannel(connection, 'auth-agent@openssh.com', Buffer.alloc(0), timeoutMs);
}

/** A channel to the client's display, for a program at `from`. Rejects as openChannel does. */
export function openX11(connection: Connection, from: Origin, timeoutMs: number): Promise<Channel> {
  const data = Buffer.concat([wireString(from.address), uint32(from.port)]);
  return openChannel(connection, 'x11', data, timeoutMs);
}
