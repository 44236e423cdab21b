import type { ActiveCounts, Counters } from '../domain/counters.ts';
import type { SessionStore } from '../domain/session.ts';

/**
 * For nodes that share a database and no Redis: counted where all of them write, each time that
 * somebody asks.
 */
export class DatabaseCounters implements Counters {
  readonly #sessions: Pick<SessionStore, 'live'>;

  constructor(sessions: Pick<SessionStore, 'live'>) {
    this.#sessions = sessions;
  }

  started(): Promise<void> {
    return Promise.resolve();
  }

  ended(): Promise<void> {
    return Promise.resolve();
  }

  async active(): Promise<ActiveCounts> {
    const live = await this.#sessions.live();
    const byMachine: Record<number, number> = {};
    for (const { machineId } of live) {
      if (machineId !== null) byMachine[machineId] = (byMachine[machineId] ?? 0) + 1;
    }
    const users = new Set(live.map(({ userId }) => userId)).size;
    return { sessions: live.length, users, byMachine };
  }

  rebuild(): Promise<void> {
    return Promise.resolve();
  }

  healthy(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
