import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Limits } from '../../src/domain/access.ts';
import { type LimitReached, LimitWatch } from '../../src/proxy/limits.ts';

const NONE: Limits = { until: null, maxSession: null, idleTimeout: null };
const DAY = 24 * 3600;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-03-01T10:00:00Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

function watch(limits: Partial<Limits>) {
  const reached: LimitReached[] = [];
  const watched = { startedAt: performance.now(), lastByteAt: performance.now() };
  let notices = 0;
  const made = new LimitWatch(
    { ...NONE, ...limits },
    watched,
    (limit) => reached.push(limit),
    () => {
      notices += 1;
    },
  );
  return { reached, watched, watch: made, notices: () => notices };
}

const seconds = (count: number): void => void vi.advanceTimersByTime(count * 1000);

test('without limits nothing waits', () => {
  const { reached } = watch({});
  expect(vi.getTimerCount()).toBe(0);
  seconds(1000 * DAY);
  expect(reached).toEqual([]);
});

test('max_session counts from the start of the session, busy or not', () => {
  const { reached, watched } = watch({ maxSession: 60 });
  seconds(59);
  watched.lastByteAt = performance.now();
  expect(reached).toEqual([]);
  seconds(1);
  expect(reached).toEqual([{ reason: 'max_session', code: 'session.too_long' }]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a channel that begins late in its session has what is left of it', () => {
  const watched = { startedAt: performance.now() - 50_000, lastByteAt: performance.now() };
  const reached: LimitReached[] = [];
  new LimitWatch({ ...NONE, maxSession: 60 }, watched, (limit) => reached.push(limit));
  seconds(9);
  expect(reached).toEqual([]);
  seconds(1);
  expect(reached).toHaveLength(1);
});

test('a limit that is reached already says so at once', () => {
  const { reached } = watch({ until: new Date(Date.now() - 1) });
  expect(reached).toEqual([{ reason: 'access_revoked', code: 'access.expired' }]);
  expect(vi.getTimerCount()).toBe(0);
});

test('idle_timeout begins anew with each byte', () => {
  const { reached, watched } = watch({ idleTimeout: 30 });
  for (let times = 0; times < 10; times += 1) {
    seconds(29);
    watched.lastByteAt = performance.now();
  }
  expect(reached).toEqual([]);
  seconds(30);
  expect(reached).toEqual([{ reason: 'idle_timeout', code: 'session.idle' }]);
});

test('until is of the wall clock', () => {
  const { reached } = watch({ until: new Date('2026-03-01T10:00:10Z') });
  seconds(9);
  expect(reached).toEqual([]);
  seconds(1);
  expect(reached).toEqual([{ reason: 'access_revoked', code: 'access.expired' }]);
});

test('of several, the first that is reached, and no other after it', () => {
  const { reached } = watch({
    maxSession: 100,
    idleTimeout: 200,
    until: new Date(Date.now() + 5e7),
  });
  seconds(1000 * DAY);
  expect(reached).toEqual([{ reason: 'max_session', code: 'session.too_long' }]);
});

test('waits longer than a timer holds are not cut short', () => {
  const { reached } = watch({ maxSession: 60 * DAY });
  seconds(59 * DAY);
  expect(reached).toEqual([]);
  seconds(DAY);
  expect(reached).toHaveLength(1);
});

test('stopped, it says nothing', () => {
  const { reached, watch: stopped } = watch({ maxSession: 1 });
  stopped.stop();
  seconds(10);
  expect(reached).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('notice of an idle timeout comes a minute before it, once for each quiet time', () => {
  const { reached, watched, notices } = watch({ idleTimeout: 300 });
  seconds(239);
  expect(notices()).toBe(0);
  seconds(1);
  expect(notices()).toBe(1);
  seconds(30);
  watched.lastByteAt = performance.now();
  seconds(239);
  expect(notices()).toBe(1);
  seconds(1);
  expect(notices()).toBe(2);
  expect(reached).toEqual([]);
  seconds(60);
  expect([notices(), reached]).toEqual([2, [{ reason: 'idle_timeout', code: 'session.idle' }]]);
});

test('no notice of a short idle timeout, and none of other limits', () => {
  const short = watch({ idleTimeout: 120 });
  const long = watch({ maxSession: 3600 });
  seconds(3600);
  expect([short.notices(), long.notices()]).toEqual([0, 0]);
  expect([short.reached.length, long.reached.length]).toEqual([1, 1]);
});

test('other limits count from then on, and may be reached at once', () => {
  const { reached, watch: changed } = watch({ maxSession: 10 });
  seconds(9);
  changed.change({ ...NONE, maxSession: 100 });
  seconds(90);
  expect(reached).toEqual([]);
  changed.change({ ...NONE, maxSession: 50 });
  expect(reached).toEqual([{ reason: 'max_session', code: 'session.too_long' }]);
  changed.change({ ...NONE, maxSession: 50 });
  expect(reached).toHaveLength(1);
});
