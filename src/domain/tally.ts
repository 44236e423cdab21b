import type { ActiveCounts, CountedSession, DayCounts } from './counters.ts';
import { dayOf } from './counters.ts';

const NOBODY = 0;

/** Sessions of users on machines, added up; takes the memory of as many numbers as there are of both. */
class Sums {
  sessions = 0;
  readonly #users = new Map<number, number>();
  readonly #machines = new Map<number, number>();

  add({ userId, machineId }: Counted, count: 1 | -1): void {
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

/** Whom and what a session was counted for. */
type Counted = Pick<CountedSession, 'userId' | 'machineId'>;

/** What was removed is nobody's ever after, in whatever order its rows come. */
function withoutRemoved(known: Counted, { userId, machineId }: Counted): Counted | null {
  const loses =
    (known.userId !== null && userId === null) || (known.machineId !== null && machineId === null);
  if (!loses) return null;
  return {
    userId: userId === null ? null : known.userId,
    machineId: machineId === null ? null : known.machineId,
  };
}

/**
 * The counts of sessions, from their rows, in whatever order they come and however often. Holds the live
 * ones, and the numbers of those that have ended of the days that it was not told to forget.
 */
export class Tally {
  readonly #live = new Map<number, Counted>();
  readonly #active = new Sums();
  readonly #days = new Map<string, Day>();
  readonly #ended = new Map<string, Map<number, Counted>>();

  put(session: CountedSession): void {
    const day = dayOf(session.startedAt);
    const { id, status } = session;
    const known = this.#known(day, session);
    if (this.#ended.get(day)?.has(id)) return;
    const { userId, machineId } = known ?? session;
    const counted = { userId, machineId };
    if (known === null) this.#day(day).started.add(counted, 1);
    if (status === 'pending' || status === 'active') {
      if (known !== null) return;
      this.#live.set(id, counted);
      this.#active.add(counted, 1);
      return;
    }
    if (this.#live.delete(id)) this.#active.add(counted, -1);
    const ended = this.#ended.get(day) ?? new Map<number, Counted>();
    this.#ended.set(day, ended.set(id, counted));
    const counts = this.#day(day);
    if (status === 'failed') counts.failed += 1;
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

  /** As it was counted, less what was removed since; null: it was not. */
  #known(day: string, session: CountedSession): Counted | null {
    const { id } = session;
    const live = this.#live.get(id);
    const known = live ?? this.#ended.get(day)?.get(id);
    if (known === undefined) return null;
    const now = withoutRemoved(known, session);
    if (now === null) return known;
    const { started } = this.#day(day);
    started.add(known, -1);
    started.add(now, 1);
    if (live === undefined) this.#ended.get(day)?.set(id, now);
    else {
      this.#active.add(known, -1);
      this.#active.add(now, 1);
      this.#live.set(id, now);
    }
    return now;
  }

  #day(day: string): Day {
    const counts = this.#days.get(day) ?? new Day();
    this.#days.set(day, counts);
    return counts;
  }
}
