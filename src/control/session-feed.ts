import { randomUUID } from 'node:crypto';
import type { Changes } from '../domain/changes.ts';
import { PosternError } from '../domain/errors.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import type { Session, SessionStore } from '../domain/session.ts';
import type {
  EventPlace,
  SessionEvent,
  SessionEvents,
  SessionListener,
} from '../domain/session-events.ts';
import { Lookout } from './lookout.ts';

const MOST_LISTENERS = 200;

/** Events that are kept for who comes back. */
const MOST_KEPT = 1000;

/** Milliseconds that the feed goes on without listeners, so that they can come back to it. */
const LINGER_MS = 60_000;

/** Rows of one look at the newest sessions, and such looks in a row. */
const PAGE = 100;
const MOST_PAGES = 20;

export interface SessionFeedDeps {
  readonly sessions: Pick<SessionStore, 'live' | 'list' | 'get'>;
  readonly changes: Changes;
  readonly log: Logger;
}

/** What is compared: a change of anything else is none. */
function stateOf({ status, bytesIn, bytesOut, exitStatus, commandsCount }: Session): string {
  return `${status} ${bytesIn} ${bytesOut} ${exitStatus} ${commandsCount}`;
}

/**
 * The sessions of all nodes, compared each second with what they were, and whenever word comes that something
 * changed: for as long as somebody listens. The database is what all nodes share and what is true, so
 * nothing has to be told, and nothing can be missed: sessions that began and ended between two looks are
 * found among the newest.
 */
export class SessionFeed implements SessionEvents {
  readonly #deps: SessionFeedDeps;
  readonly #listeners = new Map<SessionListener, EventPlace | null>();
  #lookout: Lookout | null = null;
  #feed = '';
  #number = 0;
  #kept: { readonly event: SessionEvent; readonly at: EventPlace }[] = [];
  /** Null: nothing was seen yet. */
  #live: Map<number, Session> | null = null;
  /** Of the newest sessions, those that were told of, or were there before the feed. */
  #told: ReadonlySet<number> = new Set();
  #linger: NodeJS.Timeout | undefined;

  constructor(deps: SessionFeedDeps) {
    this.#deps = deps;
  }

  subscribe(listener: SessionListener, after: EventPlace | null): () => void {
    if (this.#listeners.size >= MOST_LISTENERS) {
      throw new PosternError('events.full', { limit: MOST_LISTENERS });
    }
    clearTimeout(this.#linger);
    this.#begin();
    if (this.#live === null) this.#listeners.set(listener, after);
    else this.#welcome(listener, after);
    return () => this.#leave(listener);
  }

  /** Settles when the look that is under way has been had. */
  async close(): Promise<void> {
    clearTimeout(this.#linger);
    this.#listeners.clear();
    await this.#end();
  }

  #begin(): void {
    if (this.#lookout !== null) return;
    const { changes, log } = this.#deps;
    this.#lookout = new Lookout(
      () => this.#look(),
      (error) => log.warn('sessions could not be looked at', { reason: reasonOf(error) }),
    );
    this.#lookout.watch(changes);
    this.#lookout.now();
  }

  async #end(): Promise<void> {
    const lookout = this.#lookout;
    this.#lookout = null;
    this.#forget();
    await lookout?.close();
  }

  #forget(): void {
    this.#live = null;
    this.#kept = [];
  }

  #leave(listener: SessionListener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#linger = setTimeout(() => void this.#end(), LINGER_MS);
    this.#linger.unref();
  }

  /** What they missed, or all that there is. */
  #welcome(listener: SessionListener, after: EventPlace | null): void {
    this.#listeners.set(listener, null);
    const [oldest] = this.#kept;
    const first = oldest?.at.number ?? this.#number + 1;
    const isKnown =
      after?.feed === this.#feed && after.number >= first - 1 && after.number <= this.#number;
    if (!isKnown) {
      listener.began([...(this.#live?.values() ?? [])], this.#place);
      return;
    }
    for (const { event, at } of this.#kept) {
      if (at.number > after.number) listener.happened(event, at);
    }
  }

  get #place(): EventPlace {
    return { feed: this.#feed, number: this.#number };
  }

  async #look(): Promise<void> {
    const lookout = this.#lookout;
    const { sessions } = this.#deps;
    const live = new Map((await sessions.live()).map((one) => [one.id, one]));
    const newest = await this.#newest();
    const before = this.#live;
    const gone = [...(before?.keys() ?? [])].filter((id) => !live.has(id));
    const ended = await Promise.all(gone.map((id) => sessions.get(id)));
    if (lookout !== this.#lookout) return;
    this.#live = live;
    if (before === null || newest === null) {
      this.#restart(newest ?? []);
      return;
    }
    const short = newest.filter(
      (one) => !live.has(one.id) && !before.has(one.id) && this.#isNew(one),
    );
    for (const session of [...live.values(), ...short].toSorted((a, b) => a.id - b.id)) {
      const was = before.get(session.id);
      if (was === undefined) this.#tell({ type: 'started', session });
      else if (stateOf(was) !== stateOf(session)) this.#tell({ type: 'changed', session });
    }
    for (const session of [...ended, ...short]) {
      if (session !== null) this.#tell({ type: 'ended', session });
    }
    this.#told = new Set(newest.map(({ id }) => id));
  }

  /** What is older than all that was told of has come up because rows were removed. */
  #isNew({ id }: Session): boolean {
    return !this.#told.has(id) && (this.#told.size === 0 || id > Math.min(...this.#told));
  }

  /** The newest sessions, back to some that were known; null: there were too many new ones. */
  async #newest(): Promise<readonly Session[] | null> {
    const all: Session[] = [];
    let before = Number.MAX_SAFE_INTEGER;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const { rows, next } = await this.#deps.sessions.list(
        { statuses: null },
        { limit: PAGE, before },
      );
      all.push(...rows);
      const isFirst = this.#live === null;
      if (next === null || isFirst || rows.some(({ id }) => this.#told.has(id))) return all;
      before = next;
    }
    return null;
  }

  /** A feed of its own: who listens begins anew. */
  #restart(newest: readonly Session[]): void {
    this.#feed = randomUUID();
    this.#number = 0;
    this.#kept = [];
    this.#told = new Set(newest.map(({ id }) => id));
    for (const [listener, after] of [...this.#listeners]) this.#welcome(listener, after);
  }

  #tell(event: SessionEvent): void {
    this.#number += 1;
    const at = this.#place;
    this.#kept.push({ event, at });
    if (this.#kept.length > MOST_KEPT) this.#kept.shift();
    for (const listener of [...this.#listeners.keys()]) listener.happened(event, at);
  }
}
