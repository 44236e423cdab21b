/** What happens to a session that would be one too many in its service. */
export const OVER_LIMIT_POLICIES = ['evict-oldest', 'reject'] as const;
export type OverLimitPolicy = (typeof OVER_LIMIT_POLICIES)[number];

export interface PlaceWanted {
  /** Of a session whose row is there. */
  readonly sessionId: number;
  /** Whatever names the service alone, such as `shop/web`. */
  readonly service: string;
  /** Most live sessions of the service, at least 1; what is less lets none in. */
  readonly limit: number;
  readonly policy: OverLimitPolicy;
}

export type PlaceAnswer =
  | {
      readonly outcome: 'granted';
      /** Sessions that lost their places to it, oldest first, for the caller to end; asked again, the same. */
      readonly evicted: readonly number[];
    }
  | { readonly outcome: 'refused' };

/**
 * The places of live sessions in their services: never more of a service than the limit, across all
 * nodes. A place is held by the row of a session and for as long as that is live, so whatever ends a
 * session, a crash too, gives its place back, and nothing is there that could be lost or rebuilt.
 * Implemented by store/places.ts; in a transaction, a place is taken or not together with the rest of it.
 */
export interface PlaceStore {
  /**
   * Idempotent while the session lives. Refused too: a session that has ended, or lost its place before.
   * Oldest are those that took their places first. Takes of one service wait for each other.
   */
  take(wanted: PlaceWanted): Promise<PlaceAnswer>;
  /**
   * Live sessions that lost their places, oldest first: who took the places was to end them, and may have
   * died before.
   */
  evicted(): Promise<readonly number[]>;
}
