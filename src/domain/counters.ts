import type { Session } from './session.ts';

/** A session as the counters know it: its row, as it was written at some time. */
export type CountedSession = Pick<
  Session,
  'id' | 'userId' | 'machineId' | 'startedAt' | 'status' | 'bytesIn' | 'bytesOut'
>;

/** By the id of a user or a machine; 0: of those that were removed. */
export type CountsById = Readonly<Record<number, number>>;

/** What lives now: pending and active sessions. A service of a stack is a machine. */
export interface ActiveCounts {
  readonly sessions: number;
  readonly users: number;
  readonly byUser: CountsById;
  readonly byMachine: CountsById;
}

/** The sessions that started on one day; failures and bytes of those of them that have ended. */
export interface DayCounts extends ActiveCounts {
  readonly failed: number;
  /** From users to machines, and back. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Of all nodes. Rejects when it cannot be read: who asks then asks the database. */
export interface Counts {
  active(): Promise<ActiveCounts>;
  /** `day`: as `dayOf` writes it, of those that are kept. */
  day(day: string): Promise<DayCounts>;
}

/** The counts as the database has them, and what others are made equal to. Implemented by store/session-counts.ts. */
export interface CountStore extends Counts {
  live(): Promise<readonly CountedSession[]>;
  /** Oldest first, at most `limit`, those behind `after` alone. */
  startedSince(
    since: Date,
    after: CountedSession | null,
    limit: number,
  ): Promise<readonly CountedSession[]>;
}

/**
 * What runs, and what went on today and yesterday, counted: in Redis, or in this process, or not at all where
 * only the database is shared; one contract. The database is the truth (invariant 8).
 */
export interface Counters extends Counts {
  readonly source: 'redis' | 'process' | 'database';
  /**
   * After each change of its status is written. Idempotent, and nothing goes back: a row that is told of
   * twice, late, or after a later one of the same session counts once. Settles also when it could not be
   * counted; the counters are then rebuilt before they answer again.
   */
  count(session: CountedSession): Promise<void>;
  /**
   * Makes them equal to the database as it is now, or later, while sessions begin and end; they answer
   * meanwhile.
   */
  rebuild(): Promise<void>;
  /** True when they answer. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;

/** In UTC: `2026-11-22`. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/** The beginning of the first day that counters keep: yesterday's; older days are the database's alone. */
export function countedSince(now: Date): Date {
  return new Date(Date.parse(dayOf(now)) - DAY_MS);
}
