import type { Secret } from './secret.ts';

/** Where an S3-compatible store keeps the recordings: what `s3://BUCKET/PREFIX?…` says. */
export interface ArchivePlace {
  /** As it was written; no secret is in it. */
  readonly text: string;
  readonly bucket: string;
  /** Of each object's name: empty, or ends with a slash. */
  readonly prefix: string;
  /** `https://HOST:PORT`, without a slash at its end. */
  readonly endpoint: string;
  readonly region: string;
  /** Whether the bucket's name is in the path of addresses; else it is in the host's name. */
  readonly pathStyle: boolean;
}

/** What requests to the store are signed with. */
export interface ArchiveCredentials {
  readonly accessKey: Secret;
  readonly secretKey: Secret;
  /** Null: the key is not a temporary one. */
  readonly sessionToken: Secret | null;
}

/**
 * `off`: recordings stay on disk. `up`: the store took, or answered, the last thing. `away`: it does not
 * answer, and recordings wait on disk. `refused`: it answers, and takes nothing (rights, no such bucket).
 */
export const ARCHIVE_STATES = ['off', 'up', 'away', 'refused'] as const;
export type ArchiveState = (typeof ARCHIVE_STATES)[number];

/** A recording whose bytes are to go to the store, or to leave it. */
export interface ArchiveTask {
  /** Of the recording. */
  readonly id: number;
  readonly sessionId: number;
  readonly key: string;
  /** Whether its file may still change: it is being written, or broke and is to be mended. */
  readonly isOpen: boolean;
}

/** What is noted of a recording that the store holds, of its file as it lay. */
export interface ArchivedFile {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** As RecordingLibrary.stat had it. */
  readonly size: number;
  readonly modifiedAt: Date;
}

/** Which recordings are in the store. Implemented by store/archive.ts. */
export interface ArchiveStore {
  /**
   * What of a node's recordings is not in the store: what was refused comes last, and of the others
   * those first that have ended.
   */
  waiting(node: string, most: number): Promise<readonly ArchiveTask[]>;
  /** Before the first byte goes. False: it was deleted, or is there already. */
  begin(id: number): Promise<boolean>;
  /** It is there, whole, and proven. False: it was deleted meanwhile. */
  keep(id: number, file: ArchivedFile): Promise<boolean>;
  /** Why it cannot go there. False: that was noted already. */
  refuse(id: number, reason: string): Promise<boolean>;
  /** Null: the store does not hold it. */
  find(key: string): Promise<ArchivedFile | null>;
  /** What was deleted and may still be in the store: of this node, or proven there. */
  leaving(node: string, most: number): Promise<readonly ArchiveTask[]>;
  /** Nothing of it is in the store any more. */
  left(id: number): Promise<void>;
  /** Of these keys: those that are in the store, and those of deleted recordings. */
  known(keys: readonly string[]): Promise<{
    readonly kept: readonly string[];
    readonly deleted: readonly string[];
  }>;
}
