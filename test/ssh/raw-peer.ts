import { connect, type Socket } from 'node:net';
import ssh2, { type ConnectConfig } from 'ssh2';
import {
  library,
  type OwnerInternals,
  type ProtocolInternals,
  sendPayload,
} from '../../src/ssh/internals.ts';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';

const DEADLINE_MS = 4_000;

/** The promise, or an Error that says what was waited for. */
export function within<T>(promise: Promise<T>, what: string, ms = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A TCP client that says anything it likes, and does not leave by itself. */
export class RawPeer implements AsyncDisposable {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async connect(port: number): Promise<RawPeer> {
    // Keeps its own half open: a server that only says goodbye is not rid of it.
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    const peer = new RawPeer(socket);
    await within(new Promise((resolve) => socket.once('connect', resolve)), 'a TCP connection');
    return peer;
  }

  say(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Waits until the other side has taken what was said. */
  saidAll(): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write('', () => setImmediate(resolve));
    });
  }

  async hears(pattern: RegExp): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      const look = () => pattern.test(this.received.toString('latin1')) && resolve();
      this.socket.on('data', look);
      look();
    });
    await within(heard, String(pattern));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

/** A payload in the framing that holds before the first key exchange (RFC 4253 section 6). */
export function plainPacket(payload: Buffer): Buffer {
  const padding = 8 + (8 - ((5 + payload.length) % 8));
  const head = Buffer.concat([uint32(1 + payload.length + padding), Uint8Array.of(padding)]);
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}

export function inside(owner: unknown): OwnerInternals {
  return owner as OwnerInternals;
}

/** Sends a payload made by hand over an encrypted connection of ssh2. */
export function inject(owner: unknown, payload: Buffer): void {
  sendPayload(inside(owner)._protocol, payload);
}

type Tapped = ProtocolInternals & { _onPayload: (payload: Buffer) => unknown };

/** ssh2's own client as an attacker: knows every payload that came, sends any payload. */
export class Attacker implements AsyncDisposable {
  readonly client = new ssh2.Client();
  readonly payloads: Buffer[] = [];
  readonly closed: Promise<void>;
  readonly errors: Error[] = [];
  /** Messages that ssh2's own client does not get to see. */
  readonly muted = new Set<number>();
  readonly #listeners = new Set<() => void>();

  constructor(port: number, config: Partial<ConnectConfig> = {}) {
    const { client } = this;
    this.closed = new Promise((resolve) => client.once('close', () => resolve()));
    client.on('error', (error) => this.errors.push(error));
    client.connect({
      host: '127.0.0.1',
      port,
      username: 'mallory',
      password: 'secret',
      readyTimeout: 0,
      ...config,
    });
    const protocol = inside(client)._protocol as Tapped;
    const onPayload = protocol._onPayload;
    protocol._onPayload = (payload) => {
      this.payloads.push(Buffer.from(payload));
      const result = this.muted.has(payload[0] ?? 0) ? undefined : onPayload(payload);
      for (const listener of this.#listeners) listener();
      return result;
    };
  }

  static async ready(port: number, config: Partial<ConnectConfig> = {}): Promise<Attacker> {
    const attacker = new Attacker(port, config);
    await attacker.event('ready');
    return attacker;
  }

  event(name: string): Promise<unknown> {
    return within(
      new Promise((resolve) => this.client.once(name as 'ready', () => resolve(undefined))),
      name,
    );
  }

  send(...payloads: readonly Buffer[]): void {
    for (const payload of payloads) inject(this.client, payload);
  }

  count(type: number): number {
    return this.payloads.filter((payload) => payload[0] === type).length;
  }

  /** Waits until so many payloads of this type have come; gives the last of them. */
  async hears(type: number, times = 1): Promise<Buffer> {
    const found = () => this.payloads.filter((payload) => payload[0] === type)[times - 1];
    const heard = new Promise<Buffer>((resolve) => {
      const look = () => {
        const payload = found();
        if (payload) resolve(payload);
      };
      this.#listeners.add(look);
      look();
    });
    return within(heard, `${times} of message ${type}`);
  }

  /** Opens a session channel with the given window and packet size; ids count from 0. */
  openSession(window = 2 ** 21, packet = 32_768, id = 0): void {
    this.send(message(90, wireString('session'), uint32(id), uint32(window), uint32(packet)));
  }

  request(name: string, wantReply: boolean, data: Buffer = Buffer.alloc(0), channel = 0): void {
    const fields = [uint32(channel), wireString(name), Uint8Array.of(wantReply ? 1 : 0), data];
    this.send(message(98, ...fields));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    inside(this.client)._sock.destroy();
    await within(this.closed, 'the end of the attacker');
  }
}

export const nativeAddon = (): boolean => library().crypto.bindingAvailable;
