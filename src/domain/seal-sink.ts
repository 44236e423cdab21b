import type { ArchivePlace } from './archive.ts';
import type { Seal } from './seal.ts';
import type { Secret } from './secret.ts';
import type { FeedStore } from './sink.ts';

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
  | { readonly type: 'file'; readonly path: string }
  /** It is only added to; that nothing is taken away is the bucket's part (object lock). */
  | { readonly type: 'bucket'; readonly place: ArchivePlace };

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

export type SealFeedStore = FeedStore<NotedSeal>;

/** `behind`: the last try to bring something there failed, and there will be another. */
export interface SinkState {
  readonly type: SinkAddress['type'];
  readonly state: 'up' | 'behind';
}
