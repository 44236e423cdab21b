import type { Link } from '../domain/upstream.ts';
import { Gate, type PipeCounts } from './pipe.ts';

/** How long a machine may take to read what its user sent before leaving, in milliseconds. */
const LAST_INPUT_MS = 10_000;

/** How long a side may take to answer CLOSE, in milliseconds. */
const CLOSE_MS = 5000;

/**
 * Carries one forwarded connection both ways, untouched, with back-pressure. Each way ends by itself
 * (EOF for EOF); when both have ended, or one side has closed, both are closed.
 */
export class LinkPipe {
  readonly counts: PipeCounts = { bytesIn: 0, bytesOut: 0 };
  /** Monotonic milliseconds of the last byte either way. */
  lastByteAt = performance.now();
  /** Settles when both sides are closed. Never rejects. */
  readonly done: Promise<void>;
  readonly #user: Link;
  readonly #machine: Link;
  #open = 2;

  /** Starts at once. */
  constructor(user: Link, machine: Link) {
    this.#user = user;
    this.#machine = machine;
    this.#carry(user, machine, (bytes) => {
      this.counts.bytesIn += bytes;
    });
    this.#carry(machine, user, (bytes) => {
      this.counts.bytesOut += bytes;
    });
    this.done = this.#ends();
  }

  /** Closes both sides at once; `done` follows. */
  close(): void {
    for (const side of [this.#user, this.#machine]) {
      side.stream.resume();
      side.close();
    }
  }

  #carry(from: Link, to: Link, count: (bytes: number) => void): void {
    const gate = new Gate(from.stream);
    from.stream.on('data', (chunk: Buffer) => {
      count(chunk.length);
      this.lastByteAt = performance.now();
      if (to.stream.writable && !to.stream.write(chunk)) to.stream.once('drain', gate.close());
    });
    from.stream.once('end', () => {
      to.endInput();
      this.#open -= 1;
      if (this.#open > 0) return;
      void this.#user.finish();
      void this.#machine.finish();
    });
  }

  async #ends(): Promise<void> {
    const user = this.#user.closed.then(() => this.#leave(this.#machine, LAST_INPUT_MS));
    // What the machine sent before it closed is the user's, however slowly it is read.
    const machine = this.#machine.closed.then(() => this.#leave(this.#user, null));
    await Promise.all([user, machine]);
  }

  /** The other side is gone: this one gets what is left for it, then CLOSE; settles when it closed. */
  async #leave(side: Link, patienceMs: number | null): Promise<void> {
    side.stream.resume();
    const finished = Promise.race([side.finish(), side.closed]);
    await (patienceMs === null ? finished : soon(patienceMs, finished));
    side.close();
    await soon(CLOSE_MS, side.closed);
  }
}

/** Settles with the work, or after `milliseconds` without it. */
async function soon(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
