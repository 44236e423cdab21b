import type { Session } from './session.ts';

/** What happened to a session. */
export interface SessionEvent {
  readonly type: 'started' | 'changed' | 'ended';
  readonly session: Session;
}

/** The place of an event among those of one feed, for going on behind it. */
export interface EventPlace {
  /** Of the feed that it is of: another one knows nothing of it. */
  readonly feed: string;
  readonly number: number;
}

export interface SessionListener {
  /** Begins anew: these sessions live, and what was said before does not count. */
  began(live: readonly Session[], at: EventPlace): void;
  happened(event: SessionEvent, at: EventPlace): void;
}

/** What happens to the sessions of all nodes. Implemented by control/session-feed.ts. */
export interface SessionEvents {
  /**
   * From now on, until what is answered is called: what came after `after`, where that is still known; else
   * from the beginning. Throws `events.full`.
   */
  subscribe(listener: SessionListener, after: EventPlace | null): () => void;
}
