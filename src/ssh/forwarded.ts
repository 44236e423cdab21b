/** Connections that came to a listener of a machine (RFC 4254 section 7.2): heard of, and told of. */
import type { EventEmitter } from 'node:events';
import type { Channel, Client, Connection } from 'ssh2';
import { openChannel, type RefuseOpen } from './opens.ts';
import { uint32, wireString } from './wire.ts';

/** Listens to connections that came to a TCP listener of the machine (RFC 4254 section 7.2). */
export function onForwardedTcp(
  client: Client,
  listener: (
    accept: () => Channel | undefined,
    refuse: RefuseOpen,
    info: {
      readonly host: string;
      readonly port: number;
      readonly from: { readonly address: string; readonly port: number };
    },
  ) => void,
): void {
  (client as EventEmitter).on('postern:forwarded-tcp', listener);
}

/** The same of a unix socket (OpenSSH's PROTOCOL, section 2.4). */
export function onForwardedUnix(
  client: Client,
  listener: (
    accept: () => Channel | undefined,
    refuse: RefuseOpen,
    info: { readonly path: string },
  ) => void,
): void {
  (client as EventEmitter).on('postern:forwarded-unix', listener);
}

/** Tells a client of a connection to one of its listeners; `host` and `port` as it asked for them. */
export function openForwardedTcp(
  connection: Connection,
  at: { readonly host: string; readonly port: number },
  from: { readonly address: string; readonly port: number },
  timeoutMs: number,
): Promise<Channel> {
  const fields = [
    wireString(at.host),
    uint32(at.port),
    wireString(from.address),
    uint32(from.port),
  ];
  return openChannel(connection, 'forwarded-tcpip', Buffer.concat(fields), timeoutMs);
}

export function openForwardedUnix(
  connection: Connection,
  path: string,
  timeoutMs: number,
): Promise<Channel> {
  const fields = Buffer.concat([wireString(path), wireString('')]);
  return openChannel(connection, 'forwarded-streamlocal@openssh.com', fields, timeoutMs);
}
