import type { Socket } from 'node:net';
import { sourceOf } from '../domain/source.ts';

/**
 * The connections of an HTTP server, at most so many: when all places are taken, whose address has most of them
 * loses one to who comes, the oldest that has asked nothing yet, else the oldest. So nobody shuts the door on
 * others by standing in it, and a proxy, whose users have one address, is as free as the door is.
 */
export class Door {
  readonly #most: number;
  /** In the order in which they came. */
  readonly #bySource = new Map<string, Set<Socket>>();
  readonly #asked = new WeakSet<Socket>();
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  admit(socket: Socket): void {
    if (this.#count >= this.#most) this.#makeRoom();
    // Gone already: it has no address, and no end is told of any more.
    if (socket.destroyed) return;
    const source = sourceOf(socket.remoteAddress ?? '');
    const theirs = this.#bySource.get(source) ?? new Set();
    this.#bySource.set(source, theirs.add(socket));
    this.#count += 1;
    socket.once('close', () => this.#leave(source, socket));
  }

  /** It has made a request. */
  asked(socket: Socket): void {
    this.#asked.add(socket);
  }

  #makeRoom(): void {
    const [most] = [...this.#bySource].toSorted(([, a], [, b]) => b.size - a.size);
    if (most === undefined) return;
    const [source, theirs] = most;
    const [oldest] = theirs;
    const loser = [...theirs].find((one) => !this.#asked.has(one)) ?? oldest;
    if (loser === undefined) return;
    this.#leave(source, loser);
    loser.destroy();
  }

  #leave(source: string, socket: Socket): void {
    const theirs = this.#bySource.get(source);
    if (theirs?.delete(socket) !== true) return;
    if (theirs.size === 0) this.#bySource.delete(source);
    this.#count -= 1;
  }
}
