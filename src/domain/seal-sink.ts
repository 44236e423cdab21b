import type { Seal } from './seal.ts';
import type { Secret } from './secret.ts';

/** Where seals are noted outside of the database, as the setting says it. */
export type SinkAddress =
  /** Its path and query may be what lets in. */
  | { readonly type: 'webhook'; readonly url: Secret }
  | {
      readonly type: 'syslog';
      readonly transport: 'udp' | 'tcp' | 'tls';
      readonly host: string;
      readonly port: number;
    }
  /** Absolute. */
  | { readonly type: 'file'; readonly path: string };

/** A seal as the database noted it, with whose it is. */
export interface NotedSeal {
  /** Grows with each seal that its node notes. */
  readonly number: number;
  readonly sessionId: number;
  readonly channel: number;
  /** Of the recording's file. */
  readonly key: string;
  readonly node: string;
  readonly seal: Seal;
}

/** What each sink of each node has still to be told. Implemented by store/seal-feed.ts. */
export interface SealFeedStore {
  /** The number after which a sink goes on; one that is new begins with what is noted from now on. */
  begin(sink: string, node: string): Promise<number>;
  /** Seals that `node` noted after the number `after`, in order. */
  next(node: string, after: number, most: number): Promise<readonly NotedSeal[]>;
  delivered(sink: string, node: string, number: number): Promise<void>;
}

/** Takes seals; implemented in outbound/. */
export interface SealSink {
  /** Names it in the database, across restarts; nothing secret. */
  readonly id: string;
  readonly type: SinkAddress['type'];
  /** For the log: without whatever may be secret. */
  readonly label: string;
  /** Rejects when it is not sure that all were taken; then all are brought again. */
  deliver(seals: readonly NotedSeal[]): Promise<void>;
}

/** `behind`: the last try to bring a seal there failed, and there will be another. */
export interface SinkState {
  readonly type: SinkAddress['type'];
  readonly state: 'up' | 'behind';
}
