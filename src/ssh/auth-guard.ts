/**
 * Authentication (RFC 4252, RFC 4256): a bound on attempts and prompts, one question at a time in the
 * order in which they came, and no message in a direction in which it has no meaning.
 */
import { fatal, lazily, registration, watchMessages } from './guard.ts';
import { library, type MessageHandler, type ProtocolInternals } from './internals.ts';
import { Message } from './messages.ts';
import { WireReader } from './wire.ts';

const MAX_PROMPTS = 16;
const MAX_ROUNDS = 16;
const MAX_WAITING = 8;
/** A question whether a key would do is no attempt, but it is not free either. */
const REQUESTS_PER_TRY = 4;
const MAX_BANNER = 65_536;
const METHODS = ['none', 'password', 'publickey', 'hostbased', 'keyboard-interactive'];

interface AuthState {
  /** A request or an answer is with the application. */
  busy: boolean;
  /** Prompts that the client may answer now. */
  prompts: number | undefined;
  offered: readonly string[];
  readonly waiting: Buffer[];
  requests: number;
  failures: number;
  /** Client side. */
  rounds: number;
  banner: number;
  succeeded: boolean;
}

const authOf = lazily<ProtocolInternals, AuthState>(() => ({
  busy: false,
  prompts: undefined,
  offered: ['publickey', 'keyboard-interactive', 'password'],
  waiting: [],
  requests: 0,
  failures: 0,
  rounds: 0,
  banner: 0,
  succeeded: false,
}));

/** Requests that ssh2 would hang up on, or hand on in a form that nobody expects. */
function isRefused(method: string, payload: WireReader): boolean {
  // A new password comes as an object where the application has a string in mind.
  return !METHODS.includes(method) || (method === 'password' && payload.boolean() === true);
}

function admit(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  const state = authOf(protocol);
  const tries = registration(protocol)?.limits.maxAuthTries ?? 0;
  state.requests += 1;
  if (state.requests > tries * REQUESTS_PER_TRY) return fatal(protocol, 'too many requests');
  const reader = new WireReader(payload);
  reader.string();
  reader.string();
  const method = reader.text();
  state.prompts = undefined;
  if (method !== undefined && isRefused(method, reader)) {
    protocol._authsQueue.push(method);
    protocol.authFailure(state.offered);
    return undefined;
  }
  if (method === 'none' && state.requests === 1) state.failures -= 1;
  state.busy = true;
  return next(protocol, payload);
}

function onRequest(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  if (!protocol._server) return fatal(protocol, 'a machine asked to be authenticated');
  if (!registration(protocol)) return next(protocol, payload);
  // RFC 4252 section 5.1: silently ignored after success.
  if (protocol._authenticated) return undefined;
  const state = authOf(protocol);
  if (!state.busy) return admit(protocol, payload, next);
  if (state.waiting.length >= MAX_WAITING) return fatal(protocol, 'too many requests at once');
  state.waiting.push(Buffer.from(payload));
  return undefined;
}

/** The application has answered: the next request in the line may be put to it. */
function answered(protocol: ProtocolInternals, request: MessageHandler): void {
  const state = authOf(protocol);
  state.busy = false;
  process.nextTick(() => {
    if (state.busy || protocol._destruct === undefined || protocol._authenticated) return;
    const payload = state.waiting.shift();
    if (!payload) return;
    // Outside of ssh2's parse loop nobody else catches what a malformed request throws.
    try {
      admit(protocol, payload, request);
    } catch {
      fatal(protocol, 'bad authentication request');
    }
  });
}

function onResponse(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  if (!protocol._server) return fatal(protocol, 'a machine answered prompts');
  const count = new WireReader(payload).uint32();
  if (count === undefined || count > MAX_PROMPTS) return fatal(protocol, 'too many responses');
  if (!registration(protocol)) return next(protocol, payload);
  const state = authOf(protocol);
  if (state.prompts !== count) return fatal(protocol, 'responses without prompts');
  state.prompts = undefined;
  state.busy = true;
  return next(protocol, payload);
}

/** PK_OK, PASSWD_CHANGEREQ, INFO_REQUEST: what a server says. */
function onReply(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  const state = authOf(protocol);
  if (protocol._server) return fatal(protocol, 'a client answered for the server');
  if (state.succeeded || protocol._authsQueue.length === 0) {
    return fatal(protocol, 'an answer that was not asked for');
  }
  if (protocol._authsQueue[0] === 'keyboard-interactive') {
    const reader = new WireReader(payload);
    for (let strings = 0; strings < 3; strings++) reader.string();
    const prompts = reader.uint32();
    state.rounds += 1;
    if (prompts === undefined || prompts > MAX_PROMPTS || state.rounds > MAX_ROUNDS) {
      return fatal(protocol, 'too many prompts');
    }
  }
  return next(protocol, payload);
}

function onVerdict(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  // ssh2's server would take these, forget what it was asked, and throw when it answers.
  if (protocol._server) return fatal(protocol, 'a client answered for the server');
  const state = authOf(protocol);
  if (payload[0] === Message.UserauthBanner) {
    state.banner += payload.length;
    if (state.banner > MAX_BANNER) return fatal(protocol, 'too much banner');
    return next(protocol, payload);
  }
  if (state.succeeded || protocol._authsQueue.length === 0) {
    return fatal(protocol, 'an answer that was not asked for');
  }
  state.succeeded = payload[0] === Message.UserauthSuccess;
  return next(protocol, payload);
}

/** What an answer of the application means for what may come next. */
function note(protocol: ProtocolInternals, answer: string, args: readonly unknown[]): void {
  const state = authOf(protocol);
  if (answer === 'authInfoReq') state.prompts = (args[2] as readonly unknown[]).length;
  if (answer !== 'authFailure') return;
  const [methods, partial] = args;
  if (Array.isArray(methods)) state.offered = methods;
  if (partial !== true) state.failures += 1;
  const limit = registration(protocol)?.limits.maxAuthTries ?? 0;
  if (state.failures >= limit) fatal(protocol, 'too many authentication failures');
}

/** Follows what the application answers, and keeps a late answer from throwing. */
function watchAnswers(request: MessageHandler): void {
  const prototype = library().Protocol.prototype as unknown as Record<
    string,
    (this: ProtocolInternals, ...args: unknown[]) => unknown
  >;
  const names = ['authFailure', 'authSuccess', 'authPKOK', 'authInfoReq', 'authPasswdChg'];
  for (const name of names) {
    const answer = prototype[name];
    prototype[name] = function guardedAnswer(this: ProtocolInternals, ...args: unknown[]) {
      if (this._destruct === undefined) return;
      answer?.apply(this, args);
      if (!registration(this)) return;
      note(this, name, args);
      answered(this, request);
    };
  }
}

/** Puts the guards around authentication on both legs. */
export function installAuthGuard(): void {
  const request = library().handlers[Message.UserauthRequest] ?? (() => undefined);
  watchMessages([Message.UserauthRequest], onRequest);
  watchMessages([Message.UserauthInfoResponse], onResponse);
  watchMessages([Message.UserauthReply], onReply);
  watchMessages(
    [Message.UserauthFailure, Message.UserauthSuccess, Message.UserauthBanner],
    onVerdict,
  );
  watchMessages([Message.ServiceRequest], (protocol, payload, next) =>
    protocol._server ? next(protocol, payload) : fatal(protocol, 'a machine asked for a service'),
  );
  watchMessages([Message.ServiceAccept], (protocol, payload, next) =>
    protocol._server ? fatal(protocol, 'a client granted a service') : next(protocol, payload),
  );
  watchAnswers(request);
}
