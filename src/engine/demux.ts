import type { Duplex } from 'node:stream';
import { PassThrough, Readable } from 'node:stream';

/** Before each piece of output: which stream, three zeroes, and its length (Engine API, ContainerAttach). */
const HEADER = 8;

/** In the first byte of a header. */
const STDERR = 2;

export interface Streams {
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** With a terminal: one stream, as it is. */
export function oneStream(socket: Duplex): Streams {
  const stdout = new PassThrough();
  socket.on('error', () => stdout.end());
  socket.once('close', () => stdout.end());
  socket.pipe(stdout);
  const stderr = new Readable({ read: () => undefined });
  stderr.push(null);
  return { stdout, stderr };
}

/**
 * Takes the two streams of a program apart. What is read of the engine waits for the slower of the
 * two readers; no more is held than the streams' own buffers and one chunk.
 */
export function twoStreams(socket: Duplex): Streams {
  const full = new Set<Readable>();
  const stream = (): Readable =>
    new Readable({
      read() {
        full.delete(this);
        if (full.size === 0) socket.resume();
      },
    });
  const stdout = stream();
  const stderr = stream();
  const frames = new Frames((which, bytes) => {
    const to = which === STDERR ? stderr : stdout;
    if (!to.push(bytes)) full.add(to);
  });
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    stdout.push(null);
    stderr.push(null);
  };
  socket.on('data', (chunk: Buffer) => {
    if (over) return;
    frames.take(chunk);
    if (full.size > 0) socket.pause();
  });
  socket.once('end', end);
  socket.once('close', end);
  socket.on('error', end);
  return { stdout, stderr };
}

/** Frames of any size, passed on piece by piece as they come. */
class Frames {
  readonly #give: (which: number, bytes: Buffer) => void;
  readonly #header = Buffer.alloc(HEADER);
  #known = 0;
  #left = 0;

  constructor(give: (which: number, bytes: Buffer) => void) {
    this.#give = give;
  }

  take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const part = chunk.copy(this.#header, this.#known, at, at + HEADER - this.#known);
        this.#known += part;
        at += part;
        if (this.#known < HEADER) return;
        this.#known = 0;
        this.#left = this.#header.readUInt32BE(4);
        continue;
      }
      const part = chunk.subarray(at, at + this.#left);
      this.#left -= part.length;
      at += part.length;
      this.#give(this.#header.readUInt8(0), part);
    }
  }
}
