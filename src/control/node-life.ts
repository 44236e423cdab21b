import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { NodeStore } from '../domain/nodes.ts';

/** Milliseconds between two signs of life. */
export const BEAT_MS = 1000;

/** Milliseconds: longer than the sign of a process that died keeps its name for it. */
const CLAIM_MS = 5000;
const CLAIM_PAUSE_MS = 200;

/** This process's name among the nodes of its database, and the signs of life that it gives. */
export class NodeLife {
  readonly #node: string;
  readonly #process = randomUUID();
  readonly #nodes: NodeStore;
  readonly #log: Logger;
  readonly #failed = Promise.withResolvers<string>();
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | null = null;
  #silent = false;

  /** `nodes` over a connection of its own: no other work may hold a sign of life up. */
  constructor(deps: {
    readonly node: string;
    readonly nodes: NodeStore;
    readonly log: Logger;
  }) {
    this.#node = deps.node;
    this.#nodes = deps.nodes;
    this.#log = deps.log;
  }

  /** Settles, with the reason, when another process has taken the name: this one is to stop. */
  get failed(): Promise<string> {
    return this.#failed.promise;
  }

  /**
   * Takes the name and gives signs of life from now on. After a crash this waits until the last sign
   * of the process before is 3 s old. Throws `node.taken` when another process goes on giving them.
   */
  async begin(): Promise<void> {
    const until = performance.now() + CLAIM_MS;
    while (!(await this.#nodes.claim(this.#node, this.#process))) {
      if (performance.now() > until) throw new PosternError('node.taken', { node: this.#node });
      await delay(CLAIM_PAUSE_MS);
    }
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
  }

  /** Takes the name off the list, so that nobody has to wait for it to be found dead. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    await this.#nodes.leave(this.#node, this.#process);
  }

  #beat(): void {
    this.#beating ??= this.#beatOnce().finally(() => {
      this.#beating = null;
    });
  }

  async #beatOnce(): Promise<void> {
    try {
      if (!(await this.#nodes.beat(this.#node, this.#process))) await this.#missed();
      this.#silent = false;
    } catch (error) {
      if (!this.#silent) {
        this.#log.warn('no sign of life can be given to the other nodes', {
          reason: reasonOf(error),
        });
      }
      this.#silent = true;
    }
  }

  /** It was silent for so long that it was taken for dead. */
  async #missed(): Promise<void> {
    if (await this.#nodes.claim(this.#node, this.#process)) {
      this.#log.warn('this node was taken for dead by another; its sessions of before end');
      return;
    }
    clearInterval(this.#timer);
    this.#failed.resolve(`another process runs as this node, ${this.#node}`);
  }
}
