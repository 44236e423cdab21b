import { setTimeout as wait } from 'node:timers/promises';
import type { ReachableMachine } from '../../domain/control-plane.ts';
import { PosternError } from '../../domain/errors.ts';

/** Between two questions, in milliseconds: after an answer, and after none. */
const PAUSE_MS = { answered: 250, failed: 5000 } as const;

/** What a menu asks to keep up with the machines. */
export interface RenewalHost {
  reachable(): Promise<readonly ReachableMachine[]>;
  /** As of the control plane. */
  reachableChanged(since: string | null): Promise<string>;
}

/** Keeps a menu that stands up with what its user may reach; what cannot be asked for stays as it was. */
export class MenuRenewal {
  /** Rejects with `access.nothing` when nothing may be reached any more; never resolves. */
  readonly nothingLeft: Promise<never>;
  readonly #host: RenewalHost;
  readonly #show: (machines: readonly ReachableMachine[]) => void;
  readonly #stopped = new AbortController();
  #shown: string;
  #since: string | null = null;

  constructor(
    host: RenewalHost,
    shown: readonly ReachableMachine[],
    show: (machines: readonly ReachableMachine[]) => void,
  ) {
    this.#host = host;
    this.#shown = JSON.stringify(shown);
    this.#show = show;
    const { promise, reject } = Promise.withResolvers<never>();
    this.nothingLeft = promise;
    // Who stops it does not wait for it.
    promise.catch(() => undefined);
    void this.#run(reject);
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #run(reject: (error: PosternError) => void): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const machines = await this.#next();
      if (signal.aborted) return;
      if (machines?.length === 0) {
        reject(new PosternError('access.nothing'));
        return;
      }
      if (machines !== null) this.#take(machines);
      const pause = machines === null ? PAUSE_MS.failed : PAUSE_MS.answered;
      await wait(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Null: there is no answer. */
  async #next(): Promise<readonly ReachableMachine[] | null> {
    try {
      // What changes from here on is in the next answer.
      this.#since = await this.#host.reachableChanged(this.#since);
      return this.#stopped.signal.aborted ? null : await this.#host.reachable();
    } catch {
      return null;
    }
  }

  #take(machines: readonly ReachableMachine[]): void {
    const now = JSON.stringify(machines);
    if (now === this.#shown) return;
    this.#shown = now;
    this.#show(machines);
  }
}
