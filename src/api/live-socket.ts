import type { WebSocket } from 'ws';
import type { LiveEnd, LiveRecordings, LiveView, LiveViewer } from '../domain/live.ts';

/** Close codes; docs/recordings.md. asciinema's player says the reason of 4000 to 4100 and stays closed. */
const CLOSE = { complete: 1000, failed: 1011, later: 1013, broken: 4001, denied: 4003 } as const;

/** Milliseconds between looks at whether the viewer may still see it. */
const ACCESS_MS = 1000;

/** Looks in a row that may fail, because the database is away, before the viewer has to go. */
const MOST_FAILURES = 10;

/** Looks at access for one at whether the recording goes on. */
const LOOKS_FOR_ONE = 5;

/** Milliseconds in which a viewer has to take something or to answer a ping. */
const ALIVE_MS = 15_000;

/** Milliseconds for the other side to close. */
const CLOSING_MS = 1000;

/** What of a viewer may change while they look. */
export interface LiveTerms {
  /** Whether they may still see it. */
  readonly may: () => Promise<boolean>;
  /** Whether the recording is still written. */
  readonly goesOn: () => Promise<boolean>;
}

/** Milliseconds. */
export interface LiveTimes {
  /** Between looks at whether the viewer may still see it; 1000. */
  readonly accessMs?: number;
  /** In which a viewer has to take something or to answer a ping; 15 000. */
  readonly aliveMs?: number;
}

/** A viewer at the other end of a WebSocket, looked after until it closes. */
export class LiveSocket implements LiveViewer {
  readonly #socket: WebSocket;
  readonly #terms: LiveTerms;
  readonly #timers: readonly NodeJS.Timeout[];
  #view: LiveView | null = null;
  #alive = true;
  #looking = false;
  #looks = 0;
  #failures = 0;

  constructor(socket: WebSocket, terms: LiveTerms, times: LiveTimes = {}) {
    this.#socket = socket;
    this.#terms = terms;
    this.#timers = [
      setInterval(() => this.#look(), times.accessMs ?? ACCESS_MS),
      setInterval(() => this.#ping(), times.aliveMs ?? ALIVE_MS),
    ];
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.once('close', () => this.#over());
  }

  begin(live: LiveRecordings, key: string, redacted: boolean): void {
    try {
      this.#view = live.watch(key, this, redacted);
    } catch (error) {
      this.refuse(error);
    }
  }

  /** Closes it with what was thrown. */
  refuse(error: unknown): void {
    this.#close(CLOSE.later, error instanceof Error ? error.message : '');
  }

  send(frame: Uint8Array, sent: () => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) {
      sent();
      return;
    }
    this.#socket.send(frame, { binary: true }, () => {
      this.#alive = true;
      sent();
    });
  }

  ended(how: LiveEnd): void {
    const reason = how === 'complete' ? 'the channel has ended' : 'the recording ended unfinished';
    this.#socket.close(CLOSE[how], reason);
  }

  failed(): void {
    this.#socket.close(CLOSE.failed, 'the recording could not be followed');
  }

  #ping(): void {
    if (!this.#alive) {
      this.#socket.terminate();
      return;
    }
    this.#alive = false;
    this.#socket.ping();
  }

  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#judge()
      .then(
        () => {
          this.#failures = 0;
        },
        () => {
          this.#failures += 1;
          if (this.#failures > MOST_FAILURES) this.#close(CLOSE.later, 'the database is away');
        },
      )
      .finally(() => {
        this.#looking = false;
      });
  }

  async #judge(): Promise<void> {
    if (!(await this.#terms.may())) {
      this.#close(CLOSE.denied, 'you may not see this any more');
      return;
    }
    this.#looks += 1;
    if (this.#looks % LOOKS_FOR_ONE !== 0) return;
    if (!(await this.#terms.goesOn())) this.#view?.finish();
  }

  /** What waits is not for who may not see it, so the other side gets little time. */
  #close(code: number, reason: string): void {
    this.#over();
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), CLOSING_MS).unref();
  }

  #over(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#view?.leave();
  }
}
