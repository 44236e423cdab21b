/**
 * Guards on the raw bytes: the identification line (RFC 4253 section 4.2), a parser that stays dead
 * once it failed, and a share of each turn of the event loop.
 */
import { fatal, lazily, registration, traffic } from './guard.ts';
import { library, type ProtocolInternals, type Transport } from './internals.ts';
import { correctFirstGuess } from './kex-guess.ts';
import { rekeyWhenDue } from './rekey.ts';

const MAX_LINE = 255;
/** What a machine may say before its identification line, in bytes. */
const MAX_GREETING = 16_384;
/** Bytes that one connection may have parsed in one turn of the event loop. */
const TURN_BYTES = 131_072;
/** More than this waiting for a peer means that it does not read: data is held back long before. */
const MAX_UNREAD = 8 * 2 ** 20;
const MAX_QUEUED = 8_192;
const CLIENT_IDENT = /^SSH-2\.0-[\x21-\x7e]+(?: [\x20-\x7e]*)?$/;
const MACHINE_IDENT = /^SSH-(?:2\.0|1\.99)-[\x21-\x7e]+(?: [\x20-\x7e]*)?$/;
const START = Buffer.from('SSH-');

interface Inbound {
  dead: boolean;
  head: Buffer;
  turn: number;
  armed: boolean;
  paused: boolean;
}

const inbound = lazily<ProtocolInternals, Inbound>(() => ({
  dead: false,
  head: Buffer.alloc(0),
  turn: 0,
  armed: false,
  paused: false,
}));

interface Ident {
  readonly line: string;
  readonly rest: Buffer;
}

/** A client must start with its identification line; refused as early as it can be known. */
function takeClientIdent(bytes: Buffer): Ident | undefined {
  const start = bytes.subarray(0, START.length);
  if (!start.equals(START.subarray(0, start.length))) throw new Error('not an SSH client');
  return takeLine(bytes, 0, CLIENT_IDENT);
}

/** A machine may greet before it identifies itself. */
function takeMachineIdent(bytes: Buffer): Ident | undefined {
  const from = bytes.subarray(0, START.length).equals(START) ? 0 : bytes.indexOf('\nSSH-') + 1;
  const isIdent = from > 0 || bytes.subarray(0, START.length).equals(START);
  if ((isIdent ? from : bytes.length) > MAX_GREETING) {
    throw new Error('too much before the identification line');
  }
  return isIdent ? takeLine(bytes, from, MACHINE_IDENT) : undefined;
}

function takeLine(bytes: Buffer, from: number, known: RegExp): Ident | undefined {
  const newline = bytes.indexOf(10, from);
  if ((newline === -1 ? bytes.length : newline) - from > MAX_LINE) {
    throw new Error('identification line too long');
  }
  if (newline === -1) return undefined;
  const line = bytes.toString('latin1', from, newline).replace(/\r$/, '');
  if (!known.test(line)) throw new Error('bad identification line');
  return { line, rest: bytes.subarray(newline + 1) };
}

/** Lets a busy connection wait until the others had their turn. */
function share(state: Inbound, bytes: number, transport: Transport): void {
  state.turn += bytes;
  if (!state.armed) {
    state.armed = true;
    setImmediate(() => {
      state.armed = false;
      state.turn = 0;
      if (!state.paused) return;
      state.paused = false;
      transport.resume();
    });
  }
  if (state.turn < TURN_BYTES || state.paused) return;
  state.paused = true;
  transport.pause();
}

function afterChunk(protocol: ProtocolInternals, state: Inbound, bytes: number): void {
  const ours = registration(protocol);
  if (!ours || protocol._destruct === undefined) return;
  const transport = ours.owner._sock;
  share(state, bytes, transport);
  if (transport.writableLength > MAX_UNREAD) fatal(protocol, 'the peer does not read its answers');
  else if ((protocol._queue?.length ?? 0) > MAX_QUEUED) fatal(protocol, 'too much during a re-key');
  else rekeyWhenDue(protocol);
}

type Parse = ProtocolInternals['parse'];

function parseHead(protocol: ProtocolInternals, state: Inbound, chunk: Buffer, parse: Parse): void {
  state.head = Buffer.concat([state.head, chunk]);
  const taken = protocol._server ? takeClientIdent(state.head) : takeMachineIdent(state.head);
  if (!taken) return;
  state.head = Buffer.alloc(0);
  // ssh2 loses an identification line that comes in three pieces, so it gets the line whole.
  const line = Buffer.from(`${taken.line}\r\n`, 'latin1');
  parse.call(protocol, line, 0, line.length);
  // The connection's owner may have ended it on seeing the line.
  if (protocol._destruct === undefined) return;
  correctFirstGuess(protocol);
  if (taken.rest.length > 0) parse.call(protocol, taken.rest, 0, taken.rest.length);
}

/** Puts the guards before Protocol#parse. */
export function installInboundGuard(): void {
  const prototype = library().Protocol.prototype;
  const parse = prototype.parse;
  prototype.parse = function guardedParse(this: ProtocolInternals, chunk, from, to) {
    const state = inbound(this);
    // After an exception ssh2 goes on parsing in the middle of a packet, without its length check.
    if (state.dead) return;
    traffic(this).in += to - from;
    try {
      if (this._decipher === undefined) parseHead(this, state, chunk.subarray(from, to), parse);
      else parse.call(this, chunk, from, to);
    } catch (error) {
      state.dead = true;
      throw error;
    }
    afterChunk(this, state, to - from);
  };
}
