import type { Page, PageRequest } from './page.ts';
import type { ExitStatus, Program } from './terminal.ts';

/** How the files went: the SFTP subsystem, scp's old protocol, rsync. */
export const TRANSFER_PROTOCOLS = ['sftp', 'scp', 'rsync'] as const;
export type TransferProtocol = (typeof TRANSFER_PROTOCOLS)[number];

/**
 * What was done. `file`: a file was opened, read or written, and closed. `unreadable`: the stream was
 * not what its protocol says, or more than may be kept in mind; what came after it on this channel is
 * not known.
 */
export const TRANSFER_OPERATIONS = [
  'file',
  'remove',
  'rename',
  'mkdir',
  'rmdir',
  'setstat',
  'symlink',
  'hardlink',
  'copy',
  'tree',
  'unreadable',
] as const;
export type TransferOperation = (typeof TRANSFER_OPERATIONS)[number];

/** `upload`: to the machine; `download`: from it; `both` for a file that was read and written. */
export type TransferDirection = 'upload' | 'download' | 'both' | null;

export interface TransferEvent {
  readonly protocol: TransferProtocol;
  readonly operation: TransferOperation;
  /** As the client sent it, printable, at most 1024 characters; on the machine. */
  readonly path: string;
  /** Where a rename, a link or a copy leads; null for others. */
  readonly target: string | null;
  readonly direction: TransferDirection;
  /** Bytes that were read from the file, and that the machine took into it. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** `ok`, or how it failed, in the protocol's words; `cut` when the end of it was not seen. */
  readonly result: string;
  /**
   * Of all bytes, hex, when they went one after the other from the first on and in one direction;
   * else null. It is the whole file only if the client asked for all of it.
   */
  readonly sha256: string | null;
  /** False: pieces were read or written out of order, so there is no hash. */
  readonly sequential: boolean;
  readonly startedAt: Date;
  /** Milliseconds. */
  readonly duration: number;
}

export interface Transfer extends TransferEvent {
  readonly id: number;
  readonly sessionId: number;
  /** The channel's number in its session. */
  readonly channel: number;
}

/** Which of a channel's events these are: the first one's number, from 1, and the rest in order. */
export interface TransferBatch {
  readonly sessionId: number;
  readonly channel: number;
  readonly first: number;
  /** At most 100. */
  readonly events: readonly TransferEvent[];
}

/** What a channel did with files in all. */
export interface TransferTotals {
  readonly protocol: TransferProtocol;
  /** Files and trees that were opened, read or written. */
  readonly files: number;
  /** Everything else that was done. */
  readonly changes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Why it was not followed to its end; null: it was. */
  readonly stopped: string | null;
}

/**
 * Stands beside one channel: sees what goes through and changes nothing of it. Chunks are copied at
 * once. The first two answer false when the channel is to pause until `onDrain` calls. No method
 * throws or rejects.
 */
export interface TransferWatch {
  /** What the user sent. */
  fromUser(chunk: Uint8Array): boolean;
  /** What the program on the machine wrote to its output. */
  toUser(chunk: Uint8Array): boolean;
  /** Calls once when there is room again; at once when there is. */
  onDrain(listener: () => void): void;
  /** The program has ended; settles when everything was read and handed over. */
  end(exit: ExitStatus | null): Promise<TransferTotals>;
}

/** Implemented by transfer/observer.ts in the gateway. */
export interface TransferObserver {
  /**
   * Null: the program carries no files, or in a way that cannot be read. `keep` is given events, at
   * most 100 at once, with the number of the first of them; it does not reject.
   */
  watch(
    program: Program,
    keep: (first: number, events: readonly TransferEvent[]) => Promise<void>,
  ): TransferWatch | null;
  close(): Promise<void>;
}

/** Implemented by store/transfers.ts. */
export interface TransferStore {
  /** Answers those that were not there yet, by their numbers; throws `thing.not_found`. */
  append(batch: TransferBatch): Promise<ReadonlySet<number>>;
  /** Of one session, newest first. */
  list(sessionId: number, page: PageRequest): Promise<Page<Transfer>>;
}
