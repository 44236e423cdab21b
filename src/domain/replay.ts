/** Bytes of a recording that a browser plays whole as fast as with an index. */
export const PLAYED_WHOLE = 5_000_000;

/** Where the index stands that a long recording is replayed with. */
export type ReplayState =
  | { readonly state: 'ready' }
  /** From 0 to 1. */
  | { readonly state: 'preparing'; readonly progress: number }
  /** There can be none: the recording can only be played whole. */
  | { readonly state: 'failed' };

/** The index of a recording, as asciinema-player's segmented source wants it. */
export interface ReplayIndex {
  /** Names this very index, and cannot be guessed: one that is made anew has another. */
  readonly build: string;
  readonly duration: number;
  readonly cols: number;
  readonly rows: number;
  /** Seconds after the start, and what it says. */
  readonly markers: readonly (readonly [number, string])[];
  /** Where each segment begins, in seconds after the start; the first at 0, ascending. */
  readonly starts: readonly number[];
}

/** A segment of a recording that a player wants, with what its HTTP request says (RFC 9110). */
export interface SegmentRequest {
  readonly id: number;
  readonly channel: number;
  readonly build: string;
  readonly segment: number;
  readonly method: string;
  readonly acceptEncoding: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

/**
 * Indexes beside recordings that have ended, so that a player needs not have all that came before
 * what it shows. They are derived, and prove nothing: each can be deleted at any time. Implemented by
 * replay/replays.ts.
 */
export interface Replays {
  /** Has the index made when there is none of the recording as it is now; never rejects. */
  prepare(key: string): Promise<ReplayState>;
  /** As `prepare`, when nobody waits for it. */
  later(key: string): void;
  /** Null: there is none of the recording as it is now. */
  index(key: string): Promise<ReplayIndex | null>;
  /** A segment's JSON, compressed with gzip; null: `build` has no such segment any more. */
  segment(key: string, build: string, segment: number): Promise<Uint8Array<ArrayBuffer> | null>;
}
