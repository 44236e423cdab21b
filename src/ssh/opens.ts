/**
 * Channel opens that are no sessions (RFC 4254 sections 5.1 and 7.2, OpenSSH's PROTOCOL section 2.4).
 * ssh2 refuses them without a word and with one reason for everything.
 */
import type { Channel, Client, Connection, ServerChannel } from 'ssh2';
import { fatal, registration, watchMessages } from './guard.ts';
import {
  type ChannelInternals,
  library,
  type MessageHandler,
  type OwnerInternals,
  type ProtocolInternals,
  sendPayload,
} from './internals.ts';
import { Message, OpenFailure } from './messages.ts';
import { printable } from './printable.ts';
import { message, uint32, WireReader, wireString } from './wire.ts';

/** The peer refused to open a channel: with a reason of OpenFailure, and a text safe to show. */
export class OpenRefused extends Error {
  readonly reason: number;

  constructor(reason: number, text: string) {
    super(text);
    this.name = 'OpenRefused';
    this.reason = reason;
  }
}

/** What a `tcpip` or `openssh.streamlocal` listener of a client's connection really gets. */
export type RefuseOpen = (reason?: number, text?: string) => void;

interface Open {
  readonly type: string;
  readonly sender: number;
  readonly window: number;
  readonly packetSize: number;
  readonly data: WireReader;
}

function readOpen(payload: Buffer): Open | undefined {
  const data = new WireReader(payload);
  const type = data.string()?.toString('latin1');
  const [sender, window, packetSize] = [data.uint32(), data.uint32(), data.uint32()];
  if (type === undefined || sender === undefined) return undefined;
  if (window === undefined || packetSize === undefined) return undefined;
  return { type, sender, window, packetSize, data };
}

interface Told {
  readonly event: string;
  readonly info: unknown;
}

/** What a machine offers, under events of our own: ssh2 has rules for them that do not fit. */
const OFFERS: ReadonlyMap<string, string> = new Map([
  ['forwarded-tcpip', 'postern:forwarded-tcp'],
  ['forwarded-streamlocal@openssh.com', 'postern:forwarded-unix'],
  ['auth-agent@openssh.com', 'postern:agent'],
  ['x11', 'postern:x11'],
]);

/** The same of an open that a machine asks for. */
function offeredAs({ type, data }: Open): Told | undefined | null {
  const event = OFFERS.get(type);
  if (event === undefined) return null;
  if (type === 'auth-agent@openssh.com') return { event, info: {} };
  const place = data.text();
  if (place === undefined) return undefined;
  if (type === 'x11') {
    const port = data.uint32();
    return port === undefined ? undefined : { event, info: { from: { address: place, port } } };
  }
  if (type !== 'forwarded-tcpip') return { event, info: { path: place } };
  const [port, address, fromPort] = [data.uint32(), data.text(), data.uint32()];
  if (port === undefined || address === undefined || fromPort === undefined) return undefined;
  return { event, info: { host: place, port, from: { address, port: fromPort } } };
}

/** The event that an open of a client's is told as, and what it says; undefined: truncated. */
function toldAs(open: Open): Told | undefined | null {
  const { data } = open;
  if (open.type === 'direct-tcpip') {
    const [destIP, destPort, srcIP, srcPort] = [
      data.text(),
      data.uint32(),
      data.text(),
      data.uint32(),
    ];
    if (destIP === undefined || destPort === undefined || srcPort === undefined) return undefined;
    return { event: 'tcpip', info: { destIP, destPort, srcIP: srcIP ?? '', srcPort } };
  }
  if (open.type === 'direct-streamlocal@openssh.com') {
    const socketPath = data.text();
    if (socketPath === undefined) return undefined;
    return { event: 'openssh.streamlocal', info: { socketPath } };
  }
  return null;
}

/** Accept and refuse of one open; the first that is called counts. */
function answersTo(owner: OwnerInternals, open: Open, id: number) {
  const protocol = owner._protocol;
  const { Channel, MAX_WINDOW, PACKET_SIZE } = library().channel;
  let answered = false;
  const isMine = (): boolean => {
    if (answered) return false;
    answered = true;
    return protocol._destruct !== undefined;
  };
  const accept = (): ChannelInternals | undefined => {
    if (!isMine()) return undefined;
    const channel = new Channel(
      owner,
      {
        type: open.type,
        incoming: { id, window: MAX_WINDOW, packetSize: PACKET_SIZE, state: 'open' },
        outgoing: {
          id: open.sender,
          window: open.window,
          packetSize: open.packetSize,
          state: 'open',
        },
      },
      { server: protocol._server },
    );
    channel.on('error', () => undefined);
    owner._chanMgr.update(id, channel);
    protocol.channelOpenConfirm(open.sender, id, MAX_WINDOW, PACKET_SIZE);
    return channel;
  };
  const refuse: RefuseOpen = (reason = OpenFailure.ConnectFailed, text = '') => {
    if (!isMine()) return;
    owner._chanMgr.remove(id);
    protocol.channelOpenFail(open.sender, reason, text);
  };
  return { accept, refuse };
}

function onOpen(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  const owner = registration(protocol)?.owner;
  const open = readOpen(payload);
  if (!owner || !open) return next(protocol, payload);
  const told = protocol._server ? toldAs(open) : offeredAs(open);
  if (told === undefined) return fatal(protocol, 'truncated channel open');
  if (told === null || owner.listenerCount(told.event) === 0) return next(protocol, payload);
  const id = owner._chanMgr.add(undefined);
  if (id === -1) return next(protocol, payload);
  const { accept, refuse } = answersTo(owner, open, id);
  owner.emit(told.event, accept, refuse, told.info);
  return undefined;
}

/** Puts a reason and a text within reach of whoever refuses an open. */
export function installOpens(): void {
  watchMessages([Message.ChannelOpen], onOpen);
}

/** Listens to connections that a client wants from its machine (`ssh -L`, `-D`, `-W`). */
export function onDirectTcp(
  connection: Connection,
  listener: (
    accept: () => ServerChannel | undefined,
    refuse: RefuseOpen,
    info: {
      readonly destIP: string;
      readonly destPort: number;
      readonly srcIP: string;
      readonly srcPort: number;
    },
  ) => void,
): void {
  connection.on('tcpip', (accept, refuse, info) => listener(accept, refuse as RefuseOpen, info));
}

/** The same to a unix socket of the machine. */
export function onDirectUnix(
  connection: Connection,
  listener: (
    accept: () => ServerChannel | undefined,
    refuse: RefuseOpen,
    info: { readonly socketPath: string },
  ) => void,
): void {
  connection.on('openssh.streamlocal', (accept, refuse, info) =>
    listener(accept as () => ServerChannel | undefined, refuse as RefuseOpen, info),
  );
}

function refusalOf(error: Error): Error {
  const { reason } = error as Error & { readonly reason?: unknown };
  if (typeof reason !== 'number') return error;
  const text = error.message.replace(/^\(SSH\) Channel open failure: ?/, '');
  return new OpenRefused(reason, printable(text));
}

/**
 * Opens a channel of any type on either leg; `data` is what the type has after the packet size.
 * Rejects with OpenRefused, or another Error when the connection is gone or the peer is silent for
 * `timeoutMs`; a channel that comes later is closed.
 */
export function openChannel(
  connection: Client | Connection,
  type: string,
  data: Buffer,
  timeoutMs: number,
): Promise<Channel> {
  const owner = connection as unknown as OwnerInternals;
  const { MAX_WINDOW, PACKET_SIZE } = library().channel;
  return new Promise((resolve, reject) => {
    if (owner._protocol._destruct === undefined || owner._sock.destroyed) {
      return reject(new Error('the connection is gone'));
    }
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new Error('no answer in time'));
    }, timeoutMs);
    const done = (error: Error | undefined, channel: ChannelInternals) => {
      clearTimeout(timer);
      if (error) return reject(refusalOf(error));
      channel.on('error', () => undefined);
      if (!late) return resolve(channel as unknown as Channel);
      channel.resume();
      channel.close();
    };
    const id = owner._chanMgr.add(Object.assign(done, { type }));
    const fields = [wireString(type), uint32(id), uint32(MAX_WINDOW), uint32(PACKET_SIZE)];
    sendPayload(owner._protocol, message(Message.ChannelOpen, ...fields, data));
  });
}

/** A connection from the peer to an address and port (RFC 4254 section 7.2). */
export function openDirectTcp(
  client: Client,
  to: { readonly host: string; readonly port: number },
  from: { readonly address: string; readonly port: number },
  timeoutMs: number,
): Promise<Channel> {
  const fields = [
    wireString(to.host),
    uint32(to.port),
    wireString(from.address),
    uint32(from.port),
  ];
  return openChannel(client, 'direct-tcpip', Buffer.concat(fields), timeoutMs);
}

/** A connection from the peer to a unix socket (OpenSSH's PROTOCOL, section 2.4). */
export function openDirectUnix(client: Client, path: string, timeoutMs: number): Promise<Channel> {
  const fields = [wireString(path), wireString(''), uint32(0)];
  return openChannel(client, 'direct-streamlocal@openssh.com', Buffer.concat(fields), timeoutMs);
}
