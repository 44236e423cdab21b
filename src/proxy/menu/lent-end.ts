import { Duplex } from 'node:stream';
import type { ServerChannel } from 'ssh2';
import type { ExitInfo } from '../../ssh/channel.ts';
import type { Refusal } from '../refusal.ts';
import type { UserEnd } from '../user-end.ts';

/** How a program on a lent channel ended. */
export type LentResult =
  | { readonly type: 'exit'; readonly exit: ExitInfo | null }
  | { readonly type: 'refusal'; readonly refusal: Refusal };

/** The bytes of a channel for as long as it is lent; back-pressure as the channel's own. */
class LentStream extends Duplex {
  readonly stderr: NodeJS.WritableStream;
  readonly #channel: ServerChannel;

  constructor(channel: ServerChannel) {
    super();
    this.#channel = channel;
    this.stderr = channel.stderr;
    // What comes after its release is for nobody.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#channel.write(chunk)) done();
    else {
      const go = (): void => {
        this.#channel.off('drain', go);
        this.#channel.off('close', go);
        done();
      };
      this.#channel.once('drain', go);
      this.#channel.once('close', go);
    }
  }
}

/**
 * A channel that outlives its program: what would end the channel settles `result` instead, and the
 * menu goes on. Its owner hands in what comes from the user.
 */
export class LentEnd implements UserEnd {
  readonly result: Promise<LentResult>;
  readonly stream: LentStream;
  readonly #channel: ServerChannel;
  readonly #settle: (result: LentResult) => void;
  readonly #listeners: Record<'gone' | 'leaving' | 'noReader', (() => void)[]> = {
    gone: [],
    leaving: [],
    noReader: [],
  };

  constructor(channel: ServerChannel) {
    const { promise, resolve } = Promise.withResolvers<LentResult>();
    this.result = promise;
    this.#settle = resolve;
    this.#channel = channel;
    this.stream = new LentStream(channel);
  }

  /** The channel is its owner's again; what was not written by now is dropped. */
  release(): void {
    this.stream.destroy();
  }

  /** Null: the user will send nothing any more. */
  input(bytes: Buffer | null): void {
    if (this.stream.destroyed || this.stream.readableEnded) return;
    if (!this.stream.push(bytes)) this.#channel.pause();
  }

  tell(what: 'gone' | 'leaving' | 'noReader'): void {
    for (const listener of this.#listeners[what].splice(0)) listener();
    if (what === 'gone') this.#settle({ type: 'exit', exit: null });
  }

  onGone(listener: () => void): void {
    this.#listeners.gone.push(listener);
  }

  onLeaving(listener: () => void): void {
    this.#listeners.leaving.push(listener);
  }

  onNoReader(listener: () => void): void {
    this.#listeners.noReader.push(listener);
  }

  async finish(exit?: ExitInfo): Promise<void> {
    const written = new Promise<void>((resolve) => {
      this.stream.end(resolve);
    });
    await Promise.race([written, this.result]);
    this.#settle({ type: 'exit', exit: exit ?? null });
  }

  finishSoon(exit?: ExitInfo): Promise<void> {
    this.#settle({ type: 'exit', exit: exit ?? null });
    return Promise.resolve();
  }

  refuse(refusal: Refusal): Promise<void> {
    this.#settle({ type: 'refusal', refusal });
    return Promise.resolve();
  }

  close(): void {
    this.#settle({ type: 'exit', exit: null });
  }
}
