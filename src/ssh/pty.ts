/** Session channels (RFC 4254 section 6): opened on a machine, listened to on a client's connection. */
import type { Client, ClientChannel, PseudoTtyInfo, ServerChannel, Session } from 'ssh2';
import { type X11Fields, x11Data } from './desk.ts';
import { type ChannelInternals, library, type OwnerInternals, sendPayload } from './internals.ts';
import { Message } from './messages.ts';
import { encodePty, type PtyFields } from './pty-modes.ts';
import { commandBytes } from './request-guard.ts';
import { message, uint32, wireString } from './wire.ts';

/** What a `pty` listener of a server session really gets: the modes, parsed and as they came. */
export interface PtyInfo extends PseudoTtyInfo {
  /** Encoded terminal modes (RFC 4254 section 8), verbatim. */
  readonly modesRaw: Buffer;
}

/** A terminal to ask a machine for. Sizes are in characters and pixels. */
export type PtyRequest = PtyFields;

export type Program =
  | { readonly type: 'shell' }
  | { readonly type: 'exec'; readonly command: string | Buffer }
  | { readonly type: 'subsystem'; readonly name: string };

/** What of the user's a machine is asked to use, and what it said, before the program begins. */
export interface SessionDesk {
  readonly agent: boolean;
  readonly x11: X11Fields | null;
  answered(kind: 'agent' | 'x11', granted: boolean): void;
}

export interface SessionRequest {
  readonly desk?: SessionDesk | undefined;
  readonly pty?: PtyRequest;
  /** Asked for without waiting: most servers refuse most names. */
  readonly env?: readonly (readonly [name: string, value: string])[];
  readonly program: Program;
  /** Until the program runs, in milliseconds; 15 000 if not given. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;

/** ssh2 tells a callback `true` for a refusal, an Error when the connection is gone. */
function refusal(failed: boolean | Error, what: string): Error {
  return failed instanceof Error
    ? new Error('The connection to the machine is gone.', { cause: failed })
    : new Error(`The machine refused ${what}.`);
}

/** Opens an empty session channel; ssh2's own ways ask for a program at once. */
function openChannel(owner: OwnerInternals, onLate: (channel: ChannelInternals) => boolean) {
  return new Promise<ChannelInternals>((resolve, reject) => {
    const done = (error: Error | undefined, channel: ChannelInternals) => {
      if (error) reject(error);
      else if (!onLate(channel)) resolve(channel);
    };
    const { MAX_WINDOW, PACKET_SIZE } = library().channel;
    const id = owner._chanMgr.add(Object.assign(done, { type: 'session' }));
    owner._protocol.session(id, MAX_WINDOW, PACKET_SIZE);
  });
}

function ask(channel: ChannelInternals, name: string, data: Buffer, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    channel._callbacks.push((failed) => (failed ? reject(refusal(failed, what)) : resolve()));
    request(channel, name, true, data);
  });
}

function request(channel: ChannelInternals, name: string, wantReply: boolean, data: Buffer): void {
  const fields = [uint32(channel.outgoing.id), wireString(name), Uint8Array.of(wantReply ? 1 : 0)];
  sendPayload(channel._client._protocol, message(Message.ChannelRequest, ...fields, data));
}

function start(channel: ChannelInternals, program: Program): Promise<void> {
  channel.subtype = program.type;
  if (program.type === 'shell') return ask(channel, 'shell', Buffer.alloc(0), 'a shell');
  if (program.type === 'exec')
    return ask(channel, 'exec', wireString(program.command), 'the command');
  return ask(channel, 'subsystem', wireString(program.name), 'the subsystem');
}

/** Neither is worth waiting for: a program runs without them too. */
function askDesk(channel: ChannelInternals, { agent, x11, answered }: SessionDesk): void {
  const put = (kind: 'agent' | 'x11', name: string, data: Buffer): void => {
    ask(channel, name, data, kind).then(
      () => answered(kind, true),
      () => answered(kind, false),
    );
  };
  if (agent) put('agent', 'auth-agent-req@openssh.com', Buffer.alloc(0));
  if (x11) put('x11', 'x11-req', x11Data(x11));
}

/**
 * A stream that has ended both ways destroys itself, which here means CLOSE: before the machine has
 * said how its program ended.
 */
function keepForExit(channel: ChannelInternals): void {
  const states = channel as unknown as Record<
    '_readableState' | '_writableState',
    { autoDestroy: boolean }
  >;
  states._readableState.autoDestroy = false;
  states._writableState.autoDestroy = false;
}

/**
 * Opens a session on a machine: terminal with its modes verbatim, environment, program. Rejects with
 * a clear Error when the machine refuses one of them, does not answer in time, or goes away; the
 * channel is closed then. A program that ends at once may have said 'exit' before the promise is
 * seen to resolve: ask `exitInfo` on 'close', which comes after the output was read.
 */
export async function openSession(client: Client, wanted: SessionRequest): Promise<ClientChannel> {
  const owner = client as unknown as OwnerInternals;
  if (owner._protocol._destruct === undefined || owner._sock.destroyed) {
    throw new Error('The connection to the machine is gone.');
  }
  let opened: ChannelInternals | undefined;
  let isLate = false;
  const onOpened = (channel: ChannelInternals) => {
    opened = channel;
    keepForExit(channel);
    const ignore = () => undefined;
    channel.on('error', ignore);
    channel.stderr.on('error', ignore);
    if (isLate) channel.close();
    return isLate;
  };
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const late = () => reject(new Error('The machine did not start the session in time.'));
    timer = setTimeout(late, wanted.timeoutMs ?? TIMEOUT_MS);
  });
  try {
    const channel = await Promise.race([begin(owner, wanted, onOpened), deadline]);
    return channel as unknown as ClientChannel;
  } catch (error) {
    isLate = true;
    opened?.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function begin(
  owner: OwnerInternals,
  wanted: SessionRequest,
  onOpened: (channel: ChannelInternals) => boolean,
): Promise<ChannelInternals> {
  const channel = await openChannel(owner, onOpened).catch((cause: Error) => {
    throw new Error('The machine refused a session.', { cause });
  });
  if (wanted.desk) askDesk(channel, wanted.desk);
  if (wanted.pty) await ask(channel, 'pty-req', encodePty(wanted.pty), 'a terminal');
  for (const [name, value] of wanted.env ?? []) {
    request(channel, 'env', false, Buffer.concat([wireString(name), wireString(value)]));
  }
  await start(channel, wanted.program);
  return channel;
}

type Decide = () => void;

/** Listens to pty-req on a server session. */
export function onPty(
  session: Session,
  listener: (accept: Decide, reject: Decide, info: PtyInfo) => void,
): void {
  session.on('pty', (accept, reject, info) => listener(accept, reject, info as PtyInfo));
}

/** Listens to break (RFC 4335) on a server session, before and while its program runs. */
export function onBreak(
  session: Session,
  listener: (accept: Decide, reject: Decide, info: { readonly lengthMs: number }) => void,
): void {
  session.on('break' as 'signal', (accept, reject, info: unknown) =>
    listener(accept, reject, info as { readonly lengthMs: number }),
  );
}

/** The bytes of the command that an accepted exec channel runs; its text loses what is not UTF-8. */
export function execBytes(channel: ServerChannel): Buffer | undefined {
  return commandBytes(channel as unknown as ChannelInternals);
}
