import type { Page, PageRequest } from './page.ts';
import type { RecordingState, RepairedRecording } from './recording.ts';
import type { LegalHold, Recording, Session } from './session.ts';

/** A recording with the session that it is of. */
export interface KeptRecording {
  readonly recording: Recording;
  readonly session: Session;
}

export interface RecordingFilter {
  readonly userId?: number;
  readonly machineId?: number;
  readonly sessionId?: number;
  readonly state?: RecordingState;
  /** Begun at or after, begun before. */
  readonly from?: Date;
  readonly to?: Date;
}

/** What is too old on one node, or too much. */
export interface Retention {
  /** Seconds after its end; 0: for ever. A machine's own, or a group's of its user, counts before it. */
  readonly age: number;
  /** Bytes of all recordings of the node; 0: any. */
  readonly size: number;
}

/** What became of the wish to delete: `held` under legal hold, `live` while it is written. */
export type Removal = 'removed' | 'held' | 'live' | 'gone';

/** Recordings as things that are kept, of all sessions. Implemented by store/recordings.ts. */
export interface RecordingStore {
  list(filter: RecordingFilter, page: PageRequest): Promise<Page<KeptRecording>>;
  /** Keeps the row, with its hash and its seals, as proof that there was one. */
  remove(id: number, by: string, at: Date): Promise<Removal>;
  /**
   * Recordings of this node's sessions that are older than they are to be kept, oldest first; none
   * that is held or written.
   */
  expired(node: string, age: number, now: Date, most: number): Promise<readonly KeptRecording[]>;
  /** Bytes of this node's recordings that are not deleted. */
  size(node: string): Promise<number>;
  /** As `expired`, whatever their age; not of machines and groups with a retention of their own. */
  oldest(node: string, most: number): Promise<readonly KeptRecording[]>;
  /**
   * Recordings of this node's sessions that broke before `before`, and that nobody has looked at since:
   * the oldest first, behind the one with the id `after`.
   */
  broken(node: string, before: Date, after: number, most: number): Promise<readonly Recording[]>;
  /** Notes what is left of one that broke. */
  settle(recording: Recording, repaired: RepairedRecording): Promise<void>;
  /** False when there is no such session, or it is held (not held) already. */
  hold(sessionId: number, hold: LegalHold): Promise<boolean>;
  release(sessionId: number): Promise<boolean>;
}

/** What a sweep deletes, or would delete. */
export interface Swept {
  readonly count: number;
  readonly bytes: number;
  /** The first of them, with why. */
  readonly recordings: readonly (KeptRecording & { readonly why: 'age' | 'size' })[];
  /** Whether there were more than one sweep deletes; the next goes on. */
  readonly more: boolean;
}

export interface SweepOptions {
  readonly dryRun: boolean;
  readonly who: {
    readonly by: string;
    /** Null: nobody's token, or the bastion itself. */
    readonly userId: number | null;
    readonly source: string | null;
  };
}

/** Deletes what this node has kept long enough. Implemented by control/retention.ts. */
export interface RetentionSweeper {
  /** `dryRun`: only answers what would be deleted. `who`: whose deletions they are. */
  sweep(options: SweepOptions): Promise<Swept>;
}
