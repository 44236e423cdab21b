import type { Limits } from '../domain/access.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { EndReason } from '../domain/session.ts';

/** Timers of Node hold at most this many milliseconds; longer waits are made of several. */
const LONGEST_TIMER = 2 ** 31 - 1;

export interface LimitReached {
  readonly reason: Extract<EndReason, 'access_revoked' | 'max_session' | 'idle_timeout'>;
  readonly code: Extract<ErrorCode, 'access.expired' | 'session.too_long' | 'session.idle'>;
}

/** What the limits count from; monotonic milliseconds. */
export interface Watched {
  readonly startedAt: number;
  /** Of the last byte either way, on any channel. */
  readonly lastByteAt: number;
}

/** Who is idle is told so this many milliseconds before the end, unless the time is short anyway. */
const NOTICE_MS = 60_000;
const SHORT_IDLE_MS = 120_000;

/**
 * Watches the limits under which something was allowed and calls `reached` once with the first that
 * is: at once, if one is already. `until` is of the wall clock, the others are of the session's.
 * `notice` is called a minute before an idle timeout of more than two, once for each quiet time.
 */
export class LimitWatch {
  readonly #watched: Watched;
  readonly #reached: (limit: LimitReached) => void;
  readonly #notice: (() => void) | null;
  #limits: Limits;
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  #noticedAt: number | null = null;

  constructor(
    limits: Limits,
    watched: Watched,
    reached: (limit: LimitReached) => void,
    notice: (() => void) | null = null,
  ) {
    this.#limits = limits;
    this.#watched = watched;
    this.#reached = reached;
    this.#notice = notice;
    this.#look();
  }

  /** Other limits from now on, which may be reached already. */
  change(limits: Limits): void {
    this.#limits = limits;
    clearTimeout(this.#timer);
    this.#look();
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #look(): void {
    if (this.#over) return;
    const left = this.#left();
    const over = left.find(({ milliseconds }) => milliseconds <= 0);
    if (over !== undefined) {
      this.#over = true;
      this.#reached(over.limit);
      return;
    }
    if (left.length === 0) return;
    const waits = left.map(({ milliseconds }) => milliseconds);
    const next = Math.min(LONGEST_TIMER, ...waits, this.#untilNotice());
    this.#timer = setTimeout(() => this.#look(), Math.ceil(next));
  }

  /** Milliseconds until notice is to be given; gives it when that is now. */
  #untilNotice(): number {
    const idleMs = (this.#limits.idleTimeout ?? 0) * 1000;
    const { lastByteAt } = this.#watched;
    if (this.#notice === null || idleMs <= SHORT_IDLE_MS) return Infinity;
    if (this.#noticedAt === lastByteAt) return Infinity;
    const left = lastByteAt + idleMs - NOTICE_MS - performance.now();
    if (left > 0) return left;
    this.#noticedAt = lastByteAt;
    this.#notice();
    return Infinity;
  }

  #left(): { milliseconds: number; limit: LimitReached }[] {
    const { until, maxSession, idleTimeout } = this.#limits;
    const now = performance.now();
    const left: { milliseconds: number; limit: LimitReached }[] = [];
    if (until !== null) {
      const limit = { reason: 'access_revoked', code: 'access.expired' } as const;
      left.push({ milliseconds: until.getTime() - Date.now(), limit });
    }
    if (maxSession !== null) {
      const limit = { reason: 'max_session', code: 'session.too_long' } as const;
      left.push({ milliseconds: this.#watched.startedAt + maxSession * 1000 - now, limit });
    }
    if (idleTimeout !== null) {
      const limit = { reason: 'idle_timeout', code: 'session.idle' } as const;
      left.push({ milliseconds: this.#watched.lastByteAt + idleTimeout * 1000 - now, limit });
    }
    return left;
  }
}
