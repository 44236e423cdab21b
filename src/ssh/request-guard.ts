/**
 * Channel requests (RFC 4254 sections 5.4 and 6). ssh2 answers none after the program has started,
 * loses terminal modes, and lets a client send any number of any size.
 */

import { channelOf, entryFor, isSession } from './channel-guard.ts';
import { noteEow } from './eow.ts';
import { Allowance, type ConnectionLimits, fatal, registration, watchMessages } from './guard.ts';
import type {
  ChannelInternals,
  MessageHandler,
  ProtocolInternals,
  SessionInternals,
} from './internals.ts';
import { Message } from './messages.ts';
import { parsePty } from './pty-modes.ts';
import { WireReader } from './wire.ts';

interface Asked {
  readonly allowance: Allowance;
  env: number;
  envBytes: number;
  command: Buffer | undefined;
}

interface Request {
  readonly type: string;
  readonly wantReply: boolean;
  readonly data: WireReader;
}

const asked = new WeakMap<SessionInternals, Asked>();
const commandOf = new WeakMap<ChannelInternals, Buffer>();

/** The bytes of the exec request that this server channel was opened with: text may not be UTF-8. */
export function commandBytes(channel: ChannelInternals): Buffer | undefined {
  const kept = commandOf.get(channel);
  if (kept) return kept;
  // In the turn in which the program is accepted, its session alone knows.
  const entry = channel._client._chanMgr.get(channel.incoming.id);
  return isSession(entry) ? asked.get(entry)?.command : undefined;
}

function askedOf(session: SessionInternals, limits: ConnectionLimits): Asked {
  const known = asked.get(session);
  if (known) return known;
  const fresh = {
    allowance: new Allowance(limits.maxChannelRequests),
    env: 0,
    envBytes: 0,
    command: undefined,
  };
  asked.set(session, fresh);
  return fresh;
}

/** Whether a request before the start of the program stays within its bounds. */
function fits(request: Request, state: Asked, limits: ConnectionLimits): boolean {
  if (request.type === 'exec') {
    const command = request.data.string();
    state.command = command ? Buffer.from(command) : undefined;
    return (command?.length ?? 0) <= limits.maxExecBytes;
  }
  return true;
}

/** An environment variable; ssh2 would give no way to accept one that wants no reply. */
function putEnv(
  protocol: ProtocolInternals,
  session: SessionInternals,
  request: Request,
  state: Asked,
  limits: ConnectionLimits,
): unknown {
  const [key, val] = [request.data.text(), request.data.text()];
  if (key === undefined || val === undefined) return fatal(protocol, 'bad env');
  state.env += 1;
  state.envBytes += Buffer.byteLength(key) + Buffer.byteLength(val);
  if (state.env > limits.maxEnv || state.envBytes > limits.maxEnvBytes) {
    return request.wantReply && protocol.channelFailure(session._chanInfo.outgoing.id);
  }
  return put(protocol, session, request, 'env', { key, val });
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}

/** Puts a request to the application, which may accept or reject it now or later. */
function put(
  protocol: ProtocolInternals,
  session: SessionInternals,
  request: Request,
  event: string,
  ...info: readonly unknown[]
): void {
  const to = session._chanInfo.outgoing.id;
  let decided = false;
  const decide = (yes: boolean) =>
    once(() => {
      if (decided) return;
      decided = true;
      if (!request.wantReply || session._chanInfo.outgoing.state === 'closed') return;
      if (yes) protocol.channelSuccess(to);
      else protocol.channelFailure(to);
    });
  const reject = decide(false);
  if (!session.emit(event, decide(true), reject, ...info)) reject();
}

/** window-change, signal and break reach the application at any time; the rest only before the start. */
function atAnyTime(
  protocol: ProtocolInternals,
  session: SessionInternals,
  request: Request,
): boolean {
  const { type, data } = request;
  if (type === 'signal') put(protocol, session, request, type, { name: data.text() ?? '' });
  else if (type === 'break')
    put(protocol, session, request, type, { lengthMs: data.uint32() ?? 0 });
  else if (type === 'window-change') {
    const [cols, rows, width, height] = [
      data.uint32(),
      data.uint32(),
      data.uint32(),
      data.uint32(),
    ];
    if (height === undefined) return false;
    put(protocol, session, request, type, { cols, rows, width, height });
  } else return false;
  return true;
}

function putPty(protocol: ProtocolInternals, session: SessionInternals, request: Request): unknown {
  const pty = parsePty(request.data);
  return pty ? put(protocol, session, request, 'pty', pty) : fatal(protocol, 'bad pty-req');
}

const CREATED = ['shell', 'exec', 'subsystem'];

/** A program was accepted: no stream of its channel may take the process down. */
function settle(session: SessionInternals, state: Asked): void {
  const channel = session._channel;
  if (!channel) return;
  const ignore = () => undefined;
  channel.on('error', ignore);
  channel.stderr?.on('error', ignore);
  if (state.command) commandOf.set(channel, state.command);
}

function onSession(
  protocol: ProtocolInternals,
  session: SessionInternals,
  request: Request,
  payload: Buffer,
  next: MessageHandler,
): unknown {
  const limits = registration(protocol)?.limits;
  if (!limits) return next(protocol, payload);
  const refuse = () => {
    if (request.wantReply) protocol.channelFailure(session._chanInfo.outgoing.id);
  };
  const channel = session._channel;
  if (channel && request.type === 'eow@openssh.com') return noteEow(channel);
  // Unknown requests of a running program are cheap to refuse, and PuTTY sends many.
  const isKnown = ['signal', 'break', 'window-change'].includes(request.type);
  if (channel && !isKnown) return refuse();
  const state = askedOf(session, limits);
  if (!state.allowance.take()) return fatal(protocol, 'too many channel requests');
  if (atAnyTime(protocol, session, request)) return undefined;
  if (request.type === 'env') return putEnv(protocol, session, request, state, limits);
  if (request.type === 'pty-req') return putPty(protocol, session, request);
  if (!fits(request, state, limits)) return refuse();
  const result = next(protocol, payload);
  if (CREATED.includes(request.type)) settle(session, state);
  return result;
}

function onRequest(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  const reader = new WireReader(payload);
  reader.uint32();
  const type = reader.string()?.toString('latin1');
  const wantReply = reader.boolean();
  const entry = entryFor(protocol, payload);
  if (type === undefined || wantReply === undefined || !entry) return next(protocol, payload);
  if (isSession(entry))
    return onSession(protocol, entry, { type, wantReply, data: reader }, payload, next);
  const channel = channelOf(entry);
  if (!channel) return next(protocol, payload);
  if (type === 'eow@openssh.com') return noteEow(channel);
  // Once the exit is known ssh2 answers nothing more, keepalive questions included.
  if (!channel.server && channel._exit.code !== undefined) {
    if (wantReply) protocol.channelFailure(channel.outgoing.id);
    return undefined;
  }
  return next(protocol, payload);
}

/** Puts the guards around channel requests of both legs. */
export function installRequestGuard(): void {
  watchMessages([Message.ChannelRequest], onRequest);
}
