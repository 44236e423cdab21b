import type { ActiveCounts, CountedSession, DayCounts } from './counters.ts';
import { dayOf } from './counters.ts';

const NOBODY = 0;

/** Sessions of users on machines, added up; takes the memory of as many numbers as there are of both. */
class Sums {
  sessions = 0;
  readonly #users = new Map<number, number>();
  readonly #machines = new Map<number, number>();

  add({ userId, machineId }: Pick<CountedSession, 'userId' | 'machineId'>, count: 1 | -1): void {
    this.sessions += count;
    change(this.#users, userId ?? NOBODY, count);
    change(this.#machines, machineId ?? NOBODY, count);
  }

  get counts(): ActiveCounts {
    return {
      sessions: this.sessions,
      users: this.#users.size,
      byUser: Object.fromEntries(this.#users),
      byMachine: Object.fromEntries(this.#machines),
    };
  }
}

function change(counts: Map<number, number>, id: number, by: number): void {
  const count = (counts.get(id) ?? 0) + by;
  if (count > 0) counts.set(id, count);
  else counts.delete(id);
}

class Day {
  readonly started = new Sums();
  failed = 0;
  bytesIn = 0;
  bytesOut = 0;
}

/**
 * The counts of sessions, from their rows, in whatever order they come and however often. Holds the live
 * ones, and the numbers of those that have ended of the days that it was not told to forget.
 */
export class Tally {
  readonly #live = new Map<number, CountedSession>();
  readonly #active = new Sums();
  readonly #days = new Map<string, Day>();
  readonly #ended = new Map<string, Set<number>>();

  put(session: CountedSession): void {
    const day = dayOf(session.startedAt);
    const ended = this.#ended.get(day);
    if (ended?.has(session.id)) return;
    const known = this.#live.get(session.id);
    if (known === undefined) this.#day(day).started.add(session, 1);
    if (session.status === 'pending' || session.status === 'active') {
      if (known !== undefined) return;
      this.#live.set(session.id, session);
      this.#active.add(session, 1);
      return;
    }
    if (known !== undefined) {
      this.#live.delete(session.id);
      this.#active.add(known, -1);
    }
    this.#ended.set(day, (ended ?? new Set()).add(session.id));
    const counts = this.#day(day);
    if (session.status === 'failed') counts.failed += 1;
    counts.bytesIn += session.bytesIn;
    counts.bytesOut += session.bytesOut;
  }

  get active(): ActiveCounts {
    return this.#active.counts;
  }

  day(day: string): DayCounts {
    const { started, failed, bytesIn, bytesOut } = this.#days.get(day) ?? new Day();
    return { ...started.counts, failed, bytesIn, bytesOut };
  }

  /** What started before this day is forgotten, but for what lives. */
  forgetBefore(first: string): void {
    for (const days of [this.#days, this.#ended]) {
      for (const day of days.keys()) if (day < first) days.delete(day);
    }
  }

  #day(day: string): Day {
    const counts = this.#days.get(day) ?? new Day();
    this.#days.set(day, counts);
    return counts;
  }
}
