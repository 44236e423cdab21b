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

/**
 * Watches the limits under which a channel was allowed and calls `reached` once with the first that
 * is: at once, if one is already. `until` is of the wall clock, the others are of the session's.
 */
export class LimitWatch {
  readonly #limits: Limits;
  readonly #watched: Watched;
  readonly #reached: (limit: LimitReached) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: Limits, watched: Watched, reached: (limit: LimitReached) => void) {
    this.#limits = limits;
    this.#watched = watched;
    this.#reached = reached;
    this.#look();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const left = this.#left();
    const over = left.find(({ milliseconds }) => milliseconds <= 0);
    if (over !== undefined) {
      this.#reached(over.limit);
      return;
    }
    if (left.length === 0) return;
    const next = Math.min(LONGEST_TIMER, ...left.map(({ milliseconds }) => milliseconds));
    this.#timer = setTimeout(() => this.#look(), Math.ceil(next));
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
