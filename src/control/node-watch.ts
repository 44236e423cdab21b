import type { Gateway } from '../domain/control-plane.ts';
import type { Counters } from '../domain/counters.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Store } from '../domain/store.ts';
import { BEAT_MS } from './node-life.ts';
import { endAsDied, rebuildCounters } from './recovery.ts';

/** Milliseconds without a sign of life after which a node is dead. */
const DEAD_MS = 10_000;

/** Milliseconds between two looks that are too many to say what happened in between. */
const GAP_MS = DEAD_MS / 2;

/** Who ended a session here that other nodes had closed, for its user. */
const OTHERS = 'the other nodes of the bastion, which did not hear of this one';

interface Seen {
  readonly sign: number | null;
  /** Milliseconds of this process's own clock, when the sign was first seen. */
  readonly since: number;
}

export interface NodeWatchDeps {
  /** This node's name. */
  readonly node: string;
  readonly store: Store;
  readonly counters: Pick<Counters, 'rebuild'>;
  readonly log: Logger;
  /** Milliseconds; performance.now by default. */
  readonly now?: () => number;
}

/**
 * Closes the sessions of nodes that died. A node is dead when this one has looked without a break for
 * `DEAD_MS` and saw no new sign of life: neither clocks that differ, nor a database that was away for
 * all, nor a pause of this process can make a living node seem dead. One that was cut off from the
 * database alone for so long is taken for dead, and ends those sessions itself when it is back.
 */
export class NodeWatch {
  readonly #deps: NodeWatchDeps;
  readonly #now: () => number;
  readonly #seen = new Map<string, Seen>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #own: { readonly gateway: Gateway; readonly held: () => readonly number[] } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;
  /** Sessions here that others had closed, while they end. */
  readonly #ending = new Map<number, Promise<void>>();
  #blind = false;

  constructor(deps: NodeWatchDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? (() => performance.now());
  }

  /** From now on, until `close`; `held` are the sessions that `gateway` holds. */
  begin(gateway: Gateway, held: () => readonly number[]): void {
    this.#own = { gateway, held };
    this.#timer = setInterval(() => {
      this.#looking ??= this.look().finally(() => {
        this.#looking = null;
      });
    }, BEAT_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#own = null;
    await this.#looking;
    await Promise.all(this.#ending.values());
  }

  /** One look at all nodes; never rejects. */
  async look(): Promise<void> {
    try {
      const signs = await this.#deps.store.nodes.signs();
      for (const node of this.#dead(signs)) await this.#bury(node, signs.get(node) ?? null);
      await this.#endClosed();
      this.#blind = false;
    } catch (error) {
      this.#seen.clear();
      if (!this.#blind) {
        this.#deps.log.warn('the other nodes cannot be watched', { reason: reasonOf(error) });
      }
      this.#blind = true;
    }
  }

  #dead(signs: ReadonlyMap<string, number | null>): readonly string[] {
    const now = this.#now();
    if (now - this.#lookedAt > GAP_MS) this.#seen.clear();
    this.#lookedAt = now;
    for (const node of [...this.#seen.keys()]) if (!signs.has(node)) this.#seen.delete(node);
    const dead: string[] = [];
    for (const [node, sign] of signs) {
      const seen = this.#seen.get(node);
      if (seen === undefined || seen.sign !== sign) this.#seen.set(node, { sign, since: now });
      else if (node !== this.#deps.node && now - seen.since >= DEAD_MS) dead.push(node);
    }
    return dead;
  }

  async #bury(node: string, sign: number | null): Promise<void> {
    const { store, log } = this.#deps;
    const ended = await endAsDied(store, node, (stores) => stores.nodes.bury(node, sign));
    if (ended === null) return;
    this.#seen.delete(node);
    log.warn('a node died; its sessions were closed', { node, sessions: ended.length });
    // Not these alone: it may have died before it told them of others that it had written.
    await rebuildCounters(this.#deps);
  }

  /** What others closed, because they took this node for dead, ends here too; no look waits for it. */
  async #endClosed(): Promise<void> {
    const own = this.#own;
    const held = own?.held() ?? [];
    if (own === null || held.length === 0) return;
    for (const id of await this.#deps.store.sessions.endedOf(held)) {
      if (!this.#ending.has(id)) this.#ending.set(id, this.#end(own.gateway, id));
    }
  }

  async #end(gateway: Gateway, id: number): Promise<void> {
    try {
      await gateway.terminate(id, 'node_died', OTHERS);
    } catch (error) {
      const reason = reasonOf(error);
      this.#deps.log.warn('a session that other nodes have closed did not end', {
        session: id,
        reason,
      });
    } finally {
      this.#ending.delete(id);
    }
  }
}
