import { printable } from '../domain/log.ts';
import type { Waiter } from './approvals.ts';
import { notify } from './refusal.ts';
import type { UserEnd } from './user-end.ts';

const CTRL_C = 3;

/** Bytes of early input in which Ctrl-C is looked for. */
const MOST_LOOKED_AT = 4096;

/**
 * The user of a channel whose program has not begun: can be told something on stderr, and leave; a
 * terminal also by Ctrl-C, which is a byte like any other there. Everything that was typed stays
 * for the program.
 */
export class ChannelWaiter implements Waiter {
  readonly #stream: UserEnd['stream'];
  readonly #terminal: boolean;
  readonly #left = new AbortController();
  readonly #look = (): void => this.#peek();
  #looking = false;
  #seen = 0;

  constructor(stream: UserEnd['stream'], terminal: boolean) {
    this.#stream = stream;
    this.#terminal = terminal;
  }

  get signal(): AbortSignal {
    return this.#left.signal;
  }

  tell(text: string): void {
    const { stderr } = this.#stream;
    if (!this.#terminal) {
      if (stderr.writable) stderr.write(`postern: ${printable(text, 1000)}\n`);
      return;
    }
    notify(stderr, text);
    if (this.#looking) return;
    this.#looking = true;
    this.#stream.on('readable', this.#look);
  }

  leave(): void {
    this.done();
    this.#left.abort();
  }

  /** The wait is over, however it ended. */
  done(): void {
    this.#stream.off('readable', this.#look);
  }

  #peek(): void {
    const { readableLength } = this.#stream;
    if (readableLength <= this.#seen) return;
    const bytes = this.#stream.read();
    if (!Buffer.isBuffer(bytes)) return;
    // At once: to take the last of it would end the stream before the program has it.
    this.#stream.unshift(bytes);
    const fresh = bytes.subarray(this.#seen);
    this.#seen = bytes.length;
    if (fresh.includes(CTRL_C)) this.leave();
    else if (this.#seen > MOST_LOOKED_AT) this.done();
  }
}
