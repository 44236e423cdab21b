import { Duplex, Writable } from 'node:stream';
import type { ExitInfo } from '../../ssh/channel.ts';
import type { Refusal } from '../refusal.ts';
import type { UserEnd } from '../user-end.ts';
import { within } from '../within.ts';

/** Bytes that wait in each direction before whoever brings more has to wait; and one chunk. */
const HELD = 64 * 1024;

/** Bytes that are handed out at once; the rest at the next call. */
const MOST_OUT = 256 * 1024;

/** Milliseconds for something to come, or for room: well below what a call between processes may take. */
const PATIENCE_MS = 10_000;

/** How what ran on it ended. */
export interface WebExit {
  readonly exit: ExitInfo | null;
  readonly refusal: string | null;
}

/** The bytes of one terminal: what is written waits until it is taken. */
class WebStream extends Duplex {
  readonly stderr: Writable;
  readonly #changed: () => void;
  #waiting: Buffer[] = [];
  #taken: (() => void) | null = null;

  /** `changed`: there is something to take, or room for input. */
  constructor(changed: () => void) {
    super({ readableHighWaterMark: HELD, writableHighWaterMark: HELD });
    this.#changed = changed;
    this.stderr = new Writable({
      highWaterMark: HELD,
      write: (chunk: Buffer, _encoding, done) => {
        if (this.writable) this.write(chunk, () => done());
        else done();
      },
    });
    // What comes after its end is for nobody.
    this.on('error', () => undefined);
    this.stderr.on('error', () => undefined);
  }

  /** Null: nothing waits. What it makes room for is written in the same turn. */
  unload(): Buffer | null {
    const pieces: Buffer[] = [];
    let size = 0;
    while (this.#waiting.length > 0 && size < MOST_OUT) {
      const now = this.#waiting;
      const taken = this.#taken;
      this.#waiting = [];
      this.#taken = null;
      pieces.push(...now);
      size += now.reduce((sum, { length }) => sum + length, 0);
      taken?.();
    }
    return size === 0 ? null : Buffer.concat(pieces);
  }

  get holds(): boolean {
    return this.#waiting.length > 0;
  }

  get hasRoom(): boolean {
    return this.readableLength < HELD;
  }

  override _read(): void {
    this.#changed();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#hold([chunk], done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#hold(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  #hold(chunks: Buffer[], done: () => void): void {
    this.#waiting = chunks;
    this.#taken = done;
    this.#changed();
  }
}

/**
 * A terminal's user who is not at an SSH channel: output is taken piece by piece, and only what was taken
 * makes room for more, so that who takes nothing pauses the machine.
 */
export class WebEnd implements UserEnd {
  readonly stream: WebStream;
  readonly #listeners: (() => void)[] = [];
  #gone = false;
  #ended: WebExit | null = null;
  #wake = Promise.withResolvers<void>();

  constructor() {
    this.stream = new WebStream(() => this.#changed());
  }

  /** What it ended with, once all output was taken; null: it goes on. */
  get ended(): WebExit | null {
    return this.stream.holds ? null : this.#ended;
  }

  /** Waits a while for output; null: there is none now. */
  async output(): Promise<Uint8Array | null> {
    await this.#until(() => this.stream.holds || this.#ended !== null);
    return this.stream.unload();
  }

  /** False: there was no room for a while. True for nobody, too: what is typed then is dropped. */
  async input(bytes: Uint8Array): Promise<boolean> {
    await this.#until(() => this.#closed || this.stream.hasRoom);
    if (this.#closed) return true;
    if (!this.stream.hasRoom) return false;
    this.stream.push(bytes);
    return true;
  }

  /** The user has left, or was lost. */
  gone(): void {
    this.#gone = true;
    for (const listener of this.#listeners.splice(0)) listener();
    this.#changed();
  }

  onGone(listener: () => void): void {
    if (this.#gone) queueMicrotask(listener);
    else this.#listeners.push(listener);
  }

  /** A user here leaves altogether. */
  onLeaving(): void {}

  /** And reads for as long as they are here. */
  onNoReader(): void {}

  async finish(exit?: ExitInfo): Promise<void> {
    const { stream } = this;
    const out = new Promise<void>((resolve) => {
      stream.stderr.end(() => stream.end(resolve));
    });
    const gone = new Promise<void>((resolve) => {
      this.onGone(resolve);
    });
    // All of it is held or will be: the end is heard of after it.
    await Promise.race([out, gone]);
    this.#end({ exit: exit ?? null, refusal: null });
  }

  finishSoon(exit?: ExitInfo): Promise<void> {
    this.#end({ exit: exit ?? null, refusal: null });
    return Promise.resolve();
  }

  refuse({ text }: Refusal): Promise<void> {
    this.#end({ exit: null, refusal: text });
    return Promise.resolve();
  }

  close(): void {
    this.#end({ exit: null, refusal: null });
  }

  get #closed(): boolean {
    return this.#gone || this.#ended !== null || this.stream.destroyed;
  }

  #end(how: WebExit): void {
    this.#ended ??= how;
    this.#changed();
  }

  #changed(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  /** Until it is so, or for a while. */
  async #until(isSo: () => boolean): Promise<void> {
    const late = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      const left = late - performance.now();
      if (left <= 0) return;
      await within(left, this.#wake.promise);
    }
  }
}
