import { Duplex } from 'node:stream';
import { asError } from './as-error.ts';
import type { PgliteEngine } from './pglite-engine.ts';

/**
 * Ends what an earlier client left behind, for all clients share PGlite's one backend: Sync (after
 * an error in the extended protocol), then the simple query below. A transaction block would refuse
 * DISCARD ALL in one query with ROLLBACK, so they are two.
 */
const RESET = Buffer.concat([
  Buffer.from([0x53, 0, 0, 0, 4]),
  simpleQuery('rollback'),
  simpleQuery('discard all'),
]);

function simpleQuery(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(5);
  head.write('Q');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

type Done = (error?: Error | null) => void;

/**
 * What `pg` takes for its socket: the wire protocol, spoken to the engine instead of a server. So
 * the driver above is the same one, with the same types and errors, for both databases.
 */
export class PgliteStream extends Duplex {
  readonly #engine: PgliteEngine;
  #busy = false;

  constructor(engine: PgliteEngine) {
    super();
    this.#engine = engine;
  }

  /** As net.Socket's; the address means nothing here. */
  connect(): this {
    this.#open().then(
      () => this.emit('connect'),
      (error: unknown) => this.destroy(asError(error)),
    );
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {
    // Replies are pushed as they come; each is the answer to one request, and as large.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    this.push(null);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    // Nothing else stops a query in PGlite, and the next client needs the backend.
    if (this.#busy) this.#engine.abandon('a query did not end in time');
    done(error);
  }

  async #open(): Promise<void> {
    await this.#engine.ready();
    await this.#exec(RESET);
  }

  #send(bytes: Buffer, done: Done): void {
    this.#exec(bytes).then(
      (reply) => {
        if (reply.length > 0 && !this.destroyed)
          this.push(Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength));
        done();
      },
      (error: unknown) => done(asError(error)),
    );
  }

  async #exec(bytes: Buffer): Promise<Uint8Array> {
    this.#busy = true;
    try {
      return await this.#engine.exec(bytes);
    } finally {
      this.#busy = false;
    }
  }
}
