import type { Gateway } from '../domain/control-plane.ts';
import type { Counters } from '../domain/counters.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Meters } from '../domain/meters.ts';
import type { EndReason, Session } from '../domain/session.ts';
import type { Store, Stores } from '../domain/store.ts';
import { aboutSession } from './journal.ts';

interface EndsDeps {
  readonly store: Store;
  readonly counters: Pick<Counters, 'count'>;
  /** Of all nodes. */
  readonly gateway: Pick<Gateway, 'terminate'>;
  readonly meters: Pick<Meters, 'sessionUnjoined'>;
  readonly log: Logger;
}

/** Ends of container sessions that no gateway has, and of those whose place another one took. */
export class ContainerSessionEnds {
  readonly #deps: EndsDeps;
  readonly #ending = new Map<number, Promise<void>>();

  constructor(deps: EndsDeps) {
    this.#deps = deps;
  }

  /** Settles when what is being ended has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#ending.values());
  }

  /** Ends a session whose user has not come; false: there is none such. */
  end(id: number, reason: EndReason): Promise<boolean> {
    return this.endIf(() => Promise.resolve(true), id, reason);
  }

  /** As `end`, where `work`, in the same transaction, says so. */
  async endIf(
    work: (stores: Stores) => Promise<boolean>,
    id: number,
    reason: EndReason,
  ): Promise<boolean> {
    const { store, counters, meters } = this.#deps;
    const ended = await store.transaction(async (stores) =>
      (await work(stores)) ? await endWaiting(stores, id, reason) : null,
    );
    if (ended === null) return false;
    meters.sessionUnjoined(ended, reason);
    await counters.count(ended);
    return true;
  }

  /** Ends those that lost their places, wherever they are; their users are told `by`. */
  evict(ids: readonly number[], by: string): void {
    for (const id of ids) {
      if (this.#ending.has(id)) continue;
      const end = this.#evictOne(id, by)
        .catch((error: unknown) => {
          const reason = reasonOf(error);
          this.#deps.log.warn('a session that lost its place did not end yet', {
            session: id,
            reason,
          });
        })
        .finally(() => this.#ending.delete(id));
      this.#ending.set(id, end);
    }
  }

  async #evictOne(id: number, by: string): Promise<void> {
    if (await this.end(id, 'evicted')) return;
    await this.#deps.gateway.terminate(id, 'evicted', by);
  }
}

/** Ends a session whose user has not come; null: there is none such. */
async function endWaiting(
  { containerSessions, sessions, audit }: Stores,
  id: number,
  reason: EndReason,
): Promise<Session | null> {
  if (!(await containerSessions.holdWaiting(id))) return null;
  const endedAt = new Date();
  if (!(await sessions.end(id, { endedAt, reason, bytesIn: 0, bytesOut: 0 }))) return null;
  const session = await sessions.get(id);
  if (session !== null) {
    await audit.append(aboutSession('session.ended', session, endedAt, { reason }));
  }
  return session;
}
