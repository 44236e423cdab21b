import type { ActiveCounts, CountedSession, Counters } from '../domain/counters.ts';

/** For one node: as many entries as sessions run. */
export class MemoryCounters implements Counters {
  readonly #sessions = new Map<number, CountedSession>();

  started(session: CountedSession): Promise<void> {
    if (!this.#sessions.has(session.sessionId)) this.#sessions.set(session.sessionId, session);
    return Promise.resolve();
  }

  ended(sessionId: number): Promise<void> {
    this.#sessions.delete(sessionId);
    return Promise.resolve();
  }

  active(): Promise<ActiveCounts> {
    const byMachine: Record<number, number> = {};
    const users = new Set<number>();
    for (const { userId, machineId } of this.#sessions.values()) {
      users.add(userId);
      byMachine[machineId] = (byMachine[machineId] ?? 0) + 1;
    }
    return Promise.resolve({ sessions: this.#sessions.size, users: users.size, byMachine });
  }

  rebuild(live: readonly CountedSession[]): Promise<void> {
    this.#sessions.clear();
    for (const session of live) this.#sessions.set(session.sessionId, session);
    return Promise.resolve();
  }

  healthy(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    this.#sessions.clear();
    return Promise.resolve();
  }
}
