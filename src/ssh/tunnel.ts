import { Duplex } from 'node:stream';
import type { ServerChannel } from 'ssh2';
import { closeChannel, onPeerClose, sendEof } from './channel.ts';
import type { Transport } from './internals.ts';

/** What comes to the front door: a TCP socket, or a channel of a connection that came in before. */
export interface Arrival extends Transport {
  readonly remotePort?: number | undefined;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** How long a channel whose client has closed it may keep what nobody reads, in milliseconds. */
const LAST_BYTES_MS = 2000;

/**
 * A channel of one connection as the socket of another: with byte counts, and with an end that
 * waits for nobody. Back-pressure is the channel's window, both ways.
 */
export class Tunnel extends Duplex implements Arrival {
  readonly remotePort: number;
  readonly #channel: ServerChannel;
  #read = 0;
  #written = 0;

  /** `remotePort`: of the connection that the channel belongs to. */
  constructor(channel: ServerChannel, remotePort: number) {
    super();
    this.#channel = channel;
    this.remotePort = remotePort;
    channel.on('data', (chunk: Buffer) => {
      this.#read += chunk.length;
      if (!this.push(chunk)) channel.pause();
    });
    channel.on('end', () => this.push(null));
    channel.on('close', () => this.destroy());
    channel.on('error', () => this.destroy());
    onPeerClose(channel, () => this.#leaveSoon());
    this.on('error', () => undefined);
  }

  get bytesRead(): number {
    return this.#read;
  }

  get bytesWritten(): number {
    return this.#written;
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.#written += bytes.length;
    this.#channel.write(bytes, () => done());
  }

  override _final(done: () => void): void {
    sendEof(this.#channel);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    closeChannel(this.#channel);
    this.#channel.resume();
    done(error);
  }

  #leaveSoon(): void {
    const timer = setTimeout(() => this.destroy(), LAST_BYTES_MS);
    timer.unref();
    this.once('close', () => clearTimeout(timer));
  }
}
