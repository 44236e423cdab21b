/**
 * The parts of ssh2's inside that this room reaches into, as narrow interfaces. They hold for
 * exactly the version that `library.ts` asserts; nothing outside this room may import this file.
 */
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { Duplex, Readable, Writable } from 'node:stream';

const require = createRequire(import.meta.url);

/** What ssh2 writes to and reads from: a TCP socket, or a channel of another connection. */
export interface Transport extends Duplex {
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
}

export interface ChannelEnd {
  readonly id: number;
  window: number;
  readonly packetSize: number;
  state: 'open' | 'eof' | 'closing' | 'closed';
}

/** A channel of either leg (lib/Channel.js). */
export interface ChannelInternals extends Duplex {
  readonly server: boolean;
  readonly incoming: ChannelEnd;
  readonly outgoing: ChannelEnd;
  readonly stderr: Duplex & Readable & Writable;
  readonly _client: OwnerInternals;
  readonly _callbacks: ((failed: boolean | Error) => void)[];
  readonly _exit: {
    code: number | null | undefined;
    signal: string | undefined;
    dump: boolean | undefined;
    desc: string | undefined;
  };
  subtype: string | undefined;
  eof(): void;
  close(): void;
}

/** The server's side of a session channel before (and around) its program (lib/server.js). */
export interface SessionInternals extends EventEmitter {
  readonly type: 'session';
  readonly _chanInfo: { readonly incoming: ChannelEnd; readonly outgoing: ChannelEnd };
  _channel: ChannelInternals | undefined;
  _ending: boolean;
}

/** A value in a connection's channel table: `true` and functions stand for opens in progress. */
export type ChannelEntry =
  | ChannelInternals
  | SessionInternals
  | true
  | ((error: Error | undefined, channel: ChannelInternals) => void)
  | undefined;

export interface ChannelTable {
  readonly _count: number;
  readonly _channels: Readonly<Record<string, ChannelEntry>>;
  add(entry: unknown): number;
  get(id: number): ChannelEntry;
  update(id: number, entry: ChannelInternals): void;
  remove(id: number): void;
}

/** ssh2's Client, or the connection object of its Server. */
export interface OwnerInternals extends EventEmitter {
  readonly _protocol: ProtocolInternals;
  readonly _chanMgr: ChannelTable;
  readonly _sock: Transport;
  readonly authenticated?: boolean;
  end(): unknown;
}

export interface CipherInternals {
  outSeqno: number;
  readonly _dead: boolean;
  allocPacket(payloadLength: number): Buffer;
  encrypt(packet: Buffer): void;
  free(): void;
}

export interface DecipherInternals {
  inSeqno: number;
  _onPayload(payload: Buffer): unknown;
}

export interface PacketWriterInternals {
  allocStart: number;
  alloc(length: number): Buffer;
  finalize(packet: Buffer): Buffer;
}

/** One key exchange (lib/protocol/kex.js), until its successor takes its place. */
export interface KexInternals {
  remoteExtInfoEnabled: boolean;
  readonly sessionID?: Buffer;
  readonly negotiated: { kex: string; serverHostKey: string };
  type: string;
  _remoteKexinit: Buffer;
  generateKeys: () => void;
  getPublicKey: () => Buffer;
  convertPublicKey: (key: Buffer) => Buffer;
  computeSecret: (other: Buffer) => Buffer | Error;
  /** Of a server: answers the client's half; of a client: checks the server's answer. */
  finish: (onlyOutbound?: boolean) => unknown;
}

/** One end of a connection: framing, key exchange and messages (lib/protocol/Protocol.js). */
export interface ProtocolInternals {
  readonly _server: boolean;
  readonly _handlers: Record<string, ((...args: readonly never[]) => unknown) | undefined>;
  readonly _authsQueue: (string | undefined)[];
  readonly _packetRW: { readonly write: PacketWriterInternals };
  readonly _offer: {
    readonly lists: {
      readonly kex: { readonly array: readonly string[] };
      readonly serverHostKey: { readonly array: readonly string[] };
    };
  };
  readonly _kex: KexInternals | undefined;
  readonly _cipher: CipherInternals;
  readonly _decipher: DecipherInternals | undefined;
  readonly _kexinit: Buffer | undefined;
  readonly _queue: readonly Buffer[] | undefined;
  readonly _authenticated: boolean;
  /** Undefined once the connection is over. */
  readonly _destruct: ((reason?: string) => void) | undefined;
  readonly _onError: (error: Error) => void;
  _compatFlags: number;
  _skipNextInboundPacket: boolean;
  _onHandshakeComplete: (negotiated: unknown) => void;
  parse(chunk: Buffer, from: number, to: number): void;
  rekey(): void;
  session(local: number, window: number, packetSize: number): void;
  channelData(id: number, data: Buffer): void;
  channelExtData(id: number, data: Buffer, type: number): void;
  channelOpenConfirm(remote: number, local: number, window: number, packetSize: number): void;
  channelOpenFail(id: number, reason: number, text: string): void;
  channelClose(id: number): void;
  channelSuccess(id: number): void;
  channelFailure(id: number): void;
  requestSuccess(data?: Buffer): void;
  requestFailure(): void;
  authPK(username: string, key: unknown, algorithm: unknown, sign?: unknown): void;
  authFailure(methods?: readonly string[] | boolean, partial?: boolean): void;
  authInfoReq(name: string, instructions: string, prompts: readonly unknown[]): void;
}

/** Handles one message; what it returns ends the parsing of the chunk when it is Infinity. */
export type MessageHandler = (protocol: ProtocolInternals, payload: Buffer) => unknown;

interface ProtocolUtils {
  sendPacket(protocol: ProtocolInternals, packet: Buffer, bypass?: boolean): boolean;
  doFatalError(protocol: ProtocolInternals, error: Error): number;
}

interface CryptoInternals {
  readonly bindingAvailable: boolean;
  readonly CIPHER_INFO: Readonly<Record<string, { keyLen: number; ivLen: number }>>;
  readonly MAC_INFO: Readonly<Record<string, { len: number }>>;
  createCipher(config: unknown): CipherInternals;
  createDecipher(config: unknown): DecipherInternals & { free(): void };
}

interface ChannelModule {
  readonly Channel: {
    new (owner: unknown, info: unknown, options?: { server: boolean }): ChannelInternals;
    readonly prototype: ChannelInternals & Record<string, unknown>;
  };
  readonly MAX_WINDOW: number;
  readonly PACKET_SIZE: number;
}

/** The modules of ssh2 that are patched, loaded once. */
export interface Library {
  readonly version: string;
  readonly handlers: (MessageHandler | undefined)[];
  readonly Protocol: { readonly prototype: ProtocolInternals };
  readonly utils: ProtocolUtils;
  readonly crypto: CryptoInternals;
  readonly channel: ChannelModule;
  readonly terminalModes: Readonly<Record<string, number>>;
  /** The names that ssh2 takes in a list of key exchange methods. */
  readonly supportedKex: string[];
  readonly compat: { readonly IMPLY_RSA_SHA2_SIGALGS: number };
}

let loaded: Library | undefined;

/** Loads ssh2's inside; throws what `require` throws when a file is not where 1.17.0 has it. */
export function library(): Library {
  if (loaded) return loaded;
  const constants = require('ssh2/lib/protocol/constants.js');
  loaded = {
    version: require('ssh2/package.json').version,
    handlers: require('ssh2/lib/protocol/handlers.js'),
    Protocol: require('ssh2/lib/protocol/Protocol.js'),
    utils: require('ssh2/lib/protocol/utils.js'),
    crypto: require('ssh2/lib/protocol/crypto.js'),
    channel: require('ssh2/lib/Channel.js'),
    terminalModes: constants.TERMINAL_MODE,
    supportedKex: constants.SUPPORTED_KEX,
    compat: constants.COMPAT,
  };
  return loaded;
}

/** Sends one payload as it stands, in the order of everything else that was sent before. */
export function sendPayload(protocol: ProtocolInternals, payload: Buffer): void {
  if (protocol._destruct === undefined) return;
  const writer = protocol._packetRW.write;
  const at = writer.allocStart;
  const packet = writer.alloc(payload.length);
  packet.set(payload, at);
  library().utils.sendPacket(protocol, writer.finalize(packet));
}
