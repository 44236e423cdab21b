import type { Connection } from 'ssh2';
import type { OwnerInternals } from './internals.ts';
import { printable } from './printable.ts';
import { hangUp } from './transport.ts';
import type { Arrival } from './tunnel.ts';

/** One connection of a client, from its identification line on. */
export interface GuardedConnection {
  readonly connection: Connection;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The client's identification line, printable ASCII, at most 255 characters. */
  readonly clientIdent: string;
  /** False from the moment that the connection is ending; look before dialling a machine. */
  readonly alive: boolean;
  /** Why `destroy` was called, if it was. */
  readonly destroyReason: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Resolves, and never rejects, when the socket is gone. */
  readonly closed: Promise<void>;
  /** Says goodbye, then destroys the socket within half a second. */
  destroy(reason: string): void;
}

/** Keeps 'ready' from being said for a client that left while it was being authenticated. */
function silenceReadyOfTheDead(owner: OwnerInternals, isAlive: () => boolean): void {
  const emit = owner.emit;
  owner.emit = function emitIfAlive(this: OwnerInternals, event, ...args) {
    if (event === 'ready' && !isAlive()) return false;
    return emit.call(this, event, ...args);
  };
}

/** A socket at the front door, which becomes a connection when the client identifies itself. */
export class Visitor {
  readonly remoteAddress: string;
  readonly closed: Promise<void>;
  readonly #socket: Arrival;
  readonly #leave: () => void;
  readonly #remotePort: number;
  #grace: NodeJS.Timeout | undefined;
  #connection: Connection | undefined;
  #reason: string | undefined;

  constructor(socket: Arrival, address: string, leave: () => void) {
    this.#socket = socket;
    this.remoteAddress = address;
    this.#remotePort = socket.remotePort ?? 0;
    this.#leave = leave;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#settle();
        resolve();
      });
    });
    // Before its line is complete ssh2 ends a connection with a half-close alone.
    socket.once('finish', () => this.#connection === undefined && hangUp(socket)());
    socket.once('end', () => this.#connection === undefined && hangUp(socket)());
  }

  startGrace(ms: number, onExpired: () => void): void {
    this.#grace = setTimeout(() => {
      onExpired();
      this.#socket.destroy();
    }, ms);
  }

  get isAlive(): boolean {
    const socket = this.#socket;
    return (
      this.#reason === undefined &&
      !socket.destroyed &&
      !socket.writableEnded &&
      !socket.readableEnded
    );
  }

  get isIdentified(): boolean {
    return this.#connection !== undefined;
  }

  destroy(reason: string): void {
    this.#reason ??= reason;
    this.#connection?.end();
    if (this.#connection) hangUp(this.#socket)();
    else this.#socket.destroy();
  }

  identify(connection: Connection, ident: string): GuardedConnection {
    this.#connection = connection;
    silenceReadyOfTheDead(connection as unknown as OwnerInternals, () => this.isAlive);
    connection.prependOnceListener('ready', () => this.#settle());
    return this.#guarded(connection, printable(ident));
  }

  #settle(): void {
    clearTimeout(this.#grace);
    this.#leave();
  }

  #guarded(connection: Connection, clientIdent: string): GuardedConnection {
    const visitor = this;
    const socket = this.#socket;
    return {
      connection,
      remoteAddress: this.remoteAddress,
      remotePort: this.#remotePort,
      clientIdent,
      closed: this.closed,
      destroy: (reason) => this.destroy(reason),
      get alive() {
        return visitor.isAlive;
      },
      get destroyReason() {
        return visitor.#reason;
      },
      get bytesIn() {
        return socket.bytesRead;
      },
      get bytesOut() {
        return socket.bytesWritten;
      },
    };
  }
}
