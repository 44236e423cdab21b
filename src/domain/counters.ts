/** A session as the counters know it. */
export interface CountedSession {
  readonly sessionId: number;
  readonly userId: number;
  readonly machineId: number;
  readonly node: string;
}

export interface ActiveCounts {
  readonly sessions: number;
  readonly users: number;
  readonly byMachine: Readonly<Record<number, number>>;
}

/**
 * What runs now, counted. In Redis or in process, one contract. The database is the truth
 * (invariant 8): `rebuild` makes the counters equal to it. Idempotent: starting or ending a session
 * twice counts once.
 */
export interface Counters {
  started(session: CountedSession): Promise<void>;
  ended(sessionId: number): Promise<void>;
  /** Rejects when the counters cannot be read; the caller then counts in the database. */
  active(): Promise<ActiveCounts>;
  rebuild(live: readonly CountedSession[]): Promise<void>;
  /** True when they answer. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}
