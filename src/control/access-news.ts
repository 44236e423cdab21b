import { randomUUID } from 'node:crypto';
import type { Changes } from '../domain/changes.ts';
import type { RunningServices } from '../domain/stack.ts';

/** How long a question waits for word, in milliseconds: word can be lost, and grants have hours of their own. */
const QUESTION_MS = 10_000;

/** Word that what users may reach can have changed: something was set, or containers came and went. */
export class AccessNews {
  readonly #running: RunningServices | undefined;
  /** Which process, and how much it has heard. */
  readonly #process = randomUUID();
  #heard = 0;
  #next = Promise.withResolvers<void>();
  #deaf: readonly (() => void)[] = [];

  constructor(running: RunningServices | undefined) {
    this.#running = running;
  }

  /** From now on, until `close`. */
  watch(changes: Changes): void {
    const hear = (): void => {
      this.#heard += 1;
      this.#next.resolve();
      this.#next = Promise.withResolvers<void>();
    };
    const deaf = [changes.subscribe(hear)];
    if (this.#running !== undefined) deaf.push(this.#running.subscribe(hear));
    this.#deaf = deaf;
  }

  close(): void {
    for (const stop of this.#deaf) stop();
    this.#next.resolve();
  }

  /** As ControlPlane.reachableChanged. */
  async since(since: string | null): Promise<string> {
    if (since === this.#now) await this.#wait();
    return this.#now;
  }

  get #now(): string {
    return `${this.#process}/${this.#heard}`;
  }

  async #wait(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, QUESTION_MS);
      timer.unref();
    });
    await Promise.race([this.#next.promise, late]);
    clearTimeout(timer);
  }
}
