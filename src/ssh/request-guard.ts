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
import { Replies } from './replies.ts';
import { WireReader } from './wire.ts';

/** Answers that may wait for one before them. */
const MOST_WAITING = 256;

interface Asked {
  readonly allowance: Allowance;
  readonly replies: Replies;
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

function askedOf(
  protocol: ProtocolInternals,
  session: SessionInternals,
  limits: ConnectionLimits,
): Asked {
  const known = asked.get(session);
  if (known) return known;
  const { outgoing } = session._chanInfo;
  const replies = new Replies((yes) => {
    const over = outgoing.state === 'closing' || outgoing.state === 'closed';
    if (over || protocol._destruct === undefined) return;
    if (yes) protocol.channelSuccess(outgoing.id);
    else protocol.channelFailure(outgoing.id);
  });
  const fresh = {
    allowance: new Allowance(limits.maxChannelRequests),
    replies,
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
    return request.wantReply && state.replies.place()(false);
  }
  return put(session, request, state, 'env', { key, val });
}

/** Puts a request to the application, which may accept or reject it now or later. */
function put(
  session: SessionInternals,
  request: Request,
  { replies }: Asked,
  event: string,
  ...info: readonly unknown[]
): void {
  const answer = request.wantReply ? replies.place() : () => undefined;
  const reject = () => answer(false);
  if (!session.emit(event, () => answer(true), reject, ...info)) reject();
}

/** window-change, signal and break reach the application at any time; the rest only before the start. */
function atAnyTime(session: SessionInternals, request: Request, state: Asked): boolean {
  const { type, data } = request;
  if (type === 'signal') put(session, request, state, type, { name: data.text() ?? '' });
  else if (type === 'break') put(session, request, state, type, { lengthMs: data.uint32() ?? 0 });
  else if (type === 'window-change') {
    const [cols, rows, width, height] = [
      data.uint32(),
      data.uint32(),
      data.uint32(),
      data.uint32(),
    ];
    if (height === undefined) return false;
    put(session, request, state, type, { cols, rows, width, height });
  } else return false;
  return true;
}

function putPty(
  protocol: ProtocolInternals,
  session: SessionInternals,
  request: Request,
  state: Asked,
): unknown {
  const pty = parsePty(request.data);
  return pty ? put(session, request, state, 'pty', pty) : fatal(protocol, 'bad pty-req');
}

/** RFC 4254 section 6.3.1. */
function putX11(
  protocol: ProtocolInternals,
  session: SessionInternals,
  request: Request,
  state: Asked,
): unknown {
  const { data } = request;
  const single = data.boolean();
  const [name, cookie, screen] = [data.text(), data.text(), data.uint32()];
  if (name === undefined || cookie === undefined || screen === undefined) {
    return fatal(protocol, 'bad x11-req');
  }
  return put(session, request, state, 'x11', { single, protocol: name, cookie, screen });
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

/** In a channel request: the message's number, the channel, the length of the request's name. */
const WANT_REPLY_AT = 1 + 4 + 4;

/** The request of a program, whose answer ssh2 would give before those that are still waited for. */
function begin(
  protocol: ProtocolInternals,
  session: SessionInternals,
  request: Request,
  state: Asked,
  payload: Buffer,
  next: MessageHandler,
): unknown {
  const answer = request.wantReply && state.replies.waiting > 0 ? state.replies.place() : null;
  const silent = answer === null ? payload : Buffer.from(payload);
  if (answer !== null) silent[WANT_REPLY_AT + request.type.length] = 0;
  const result = next(protocol, silent);
  answer?.(session._channel !== undefined);
  settle(session, state);
  return result;
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
  const state = askedOf(protocol, session, limits);
  if (state.replies.waiting >= MOST_WAITING) return fatal(protocol, 'too many channel requests');
  const refuse = () => {
    if (request.wantReply) state.replies.place()(false);
  };
  const channel = session._channel;
  if (channel && request.type === 'eow@openssh.com') return noteEow(channel);
  // Unknown requests of a running program are cheap to refuse, and PuTTY sends many.
  const isKnown = ['signal', 'break', 'window-change'].includes(request.type);
  if (channel && !isKnown) return refuse();
  if (!state.allowance.take()) return fatal(protocol, 'too many channel requests');
  if (atAnyTime(session, request, state)) return undefined;
  if (request.type === 'env') return putEnv(protocol, session, request, state, limits);
  if (request.type === 'pty-req') return putPty(protocol, session, request, state);
  if (request.type === 'x11-req') return putX11(protocol, session, request, state);
  if (request.type === 'auth-agent-req@openssh.com') {
    return put(session, request, state, 'auth-agent');
  }
  if (!fits(request, state, limits)) return refuse();
  if (CREATED.includes(request.type)) {
    return begin(protocol, session, request, state, payload, next);
  }
  return state.replies.waiting > 0 ? refuse() : next(protocol, payload);
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
