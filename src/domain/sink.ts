/** Takes what others are to be told of; implemented in outbound/. */
export interface Sink<Item> {
  /** Names it in the database, across restarts; nothing secret. */
  readonly id: string;
  readonly type: 'webhook' | 'syslog' | 'file' | 'bucket';
  /** For the log: without whatever may be secret. */
  readonly label: string;
  /** Rejects when it is not sure that all were taken; then all are brought again. */
  deliver(items: readonly Item[]): Promise<void>;
}

/** What each sink of each node has still to be told. Implemented by store/seal-feed.ts and alert-feed.ts. */
export interface FeedStore<Item> {
  /** The number after which a sink goes on; one that is new begins with what is noted from now on. */
  begin(sink: string, node: string): Promise<number>;
  /** What `node` noted after the number `after`, in order. */
  next(node: string, after: number, most: number): Promise<readonly Item[]>;
  delivered(sink: string, node: string, number: number): Promise<void>;
}
