import { createHash, type Hash } from 'node:crypto';
import type { TransferDirection, TransferEvent, TransferProtocol } from '../domain/transfer.ts';
import type { Clock } from './clock.ts';

const READ = 1;
const WRITE = 2;
const APPEND = 4;

type Way = 'read' | 'write';

/** A file from its opening to its closing: how much went which way, and the hash of it. */
export class OpenFile {
  readonly path: string;
  readonly #clock: Clock;
  readonly #startedAt: Date;
  readonly #begun: number;
  readonly #protocol: TransferProtocol;
  readonly #flags: number;
  #hash: Hash | null = null;
  #way: Way | null = null;
  #next = 0;
  #sequential: boolean;
  #intact = true;
  #failure: string | null = null;
  bytesRead = 0;
  bytesWritten = 0;

  constructor(clock: Clock, protocol: TransferProtocol, path: string, flags: number) {
    this.#clock = clock;
    this.#protocol = protocol;
    this.path = path;
    this.#flags = flags;
    this.#startedAt = clock.date();
    this.#begun = clock.at;
    this.#sequential = (flags & APPEND) === 0;
  }

  /** A piece of `length` bytes at `offset` begins; its bytes follow by `feed`. */
  piece(way: Way, offset: number, length: number): void {
    this.#way ??= way;
    if (offset !== this.#next || this.#way !== way) {
      this.#sequential = false;
      this.#hash = null;
    }
    this.#next = offset + length;
  }

  feed(bytes: Buffer): void {
    if (!this.#sequential) return;
    this.#hash ??= createHash('sha256');
    this.#hash.update(bytes);
  }

  fail(result: string): void {
    this.#failure ??= result;
    this.#intact = false;
  }

  #direction(): TransferDirection {
    const read = this.bytesRead > 0;
    const written = this.bytesWritten > 0;
    if (read || written) return read && written ? 'both' : written ? 'upload' : 'download';
    const asked = this.#flags & (READ | WRITE);
    if (asked === (READ | WRITE)) return 'both';
    if (asked === 0) return null;
    return asked === WRITE ? 'upload' : 'download';
  }

  /** The end of it; `result` counts when nothing failed before. */
  event(result: string): TransferEvent {
    const whole = this.#sequential && this.#intact && result === 'ok';
    return {
      protocol: this.#protocol,
      operation: 'file',
      path: this.path,
      target: null,
      direction: this.#direction(),
      bytesRead: this.bytesRead,
      bytesWritten: this.bytesWritten,
      result: this.#failure ?? result,
      sha256: whole && this.#hash !== null ? this.#hash.digest('hex') : null,
      sequential: this.#sequential,
      startedAt: this.#startedAt,
      duration: this.#clock.since(this.#begun),
    };
  }
}
