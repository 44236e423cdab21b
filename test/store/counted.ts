import type { CountedSession, CountStore } from '../../src/domain/counters.ts';
import { silent } from './options.ts';

const NOW = new Date('2026-03-02T12:00:00Z');

/** Of user 1 on machine 10, since this morning. */
export const live = (id: number, change: Partial<CountedSession> = {}): CountedSession => ({
  ...{ id, userId: 1, machineId: 10, startedAt: new Date(`2026-03-02T08:00:00Z`) },
  ...{ status: 'active', bytesIn: 0, bytesOut: 0 },
  ...change,
});
export const ended = (id: number, change: Partial<CountedSession> = {}): CountedSession =>
  live(id, { status: 'stopped', bytesIn: 10, bytesOut: 100, ...change });

/** What the database would say, of these rows; `read` is called when a page has been read. */
export function truthOf(rows: readonly CountedSession[], read = () => {}): CountStore {
  const never = (): never => {
    throw new Error('the counters count themselves');
  };
  return {
    ...{ active: never, day: never },
    live: () => Promise.resolve(rows.filter(({ status }) => status === 'active')),
    startedSince: (since, after, limit) => {
      const found = rows.filter(({ startedAt }) => startedAt >= since);
      const from = after === null ? 0 : found.findIndex(({ id }) => id === after.id) + 1;
      const page = found.slice(from, from + limit);
      read();
      return Promise.resolve(page);
    },
  };
}

export const settings = { shared: false, log: silent, now: () => NOW };
