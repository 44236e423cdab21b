import { Unreadable } from './unreadable.ts';

/** Bytes that may be kept in mind of all channels of a thread: a quarter of its heap (thread.ts). */
const MOST_OF_ALL = 32 * 2 ** 20;
const MOST_OF_CHANNEL = 512 * 1024;

/** What a thing with a name costs beside that, in bytes: an open file has a hash and two dates. */
const THING = 384;
/** A character, at worst. */
const CHARACTER = 2;

/** What is kept in mind of all channels of one thread, in bytes. */
export class Budget {
  readonly most: number;
  held = 0;

  constructor(most = MOST_OF_ALL) {
    this.most = most;
  }

  share(most = MOST_OF_CHANNEL): Share {
    return new Share(this, most);
  }
}

/** One channel's part of it. */
export class Share {
  readonly #all: Budget;
  readonly #most: number;
  #held = 0;

  constructor(all: Budget, most: number) {
    this.#all = all;
    this.#most = most;
  }

  /** Something with this name is kept. Throws Unreadable where that would be too much. */
  hold(name: string): void {
    this.take(costOf(name));
  }

  release(name: string): void {
    this.give(costOf(name));
  }

  /** So many bytes are kept. Throws Unreadable where that would be too much. */
  take(bytes: number): void {
    if (this.#held + bytes > this.#most) throw new Unreadable('too much to keep in mind');
    if (this.#all.held + bytes > this.#all.most) {
      throw new Unreadable('too much to keep in mind of all transfers');
    }
    this.#change(bytes);
  }

  give(bytes: number): void {
    this.#change(-bytes);
  }

  /** Nothing is kept any more. */
  close(): void {
    this.#change(-this.#held);
  }

  #change(bytes: number): void {
    this.#held += bytes;
    this.#all.held += bytes;
  }
}

function costOf(name: string): number {
  return THING + CHARACTER * name.length;
}
