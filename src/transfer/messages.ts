import type { ExitStatus } from '../domain/terminal.ts';
import type { TransferEvent } from '../domain/transfer.ts';
import type { TransferProgram } from './command.ts';

/** What the frames to the observer's thread are (handoff/frame.ts). */
export const WAY = { fromUser: 1, toUser: 2 } as const;

/** Programs whose streams are read; of rsync's only the bytes are counted. */
export type WatchedProgram = Exclude<TransferProgram, { protocol: 'rsync' }>;

/** What the gateway's thread tells the observer's. */
export type ToObserver =
  | {
      readonly type: 'open';
      readonly channel: number;
      readonly program: WatchedProgram;
      /** Milliseconds since 1970. */
      readonly startedAt: number;
    }
  /** Transferred: the observer owns `buffer` until it sends it back. */
  | { readonly type: 'frames'; readonly buffer: ArrayBuffer; readonly used: number }
  | {
      readonly type: 'end';
      readonly channel: number;
      /** Milliseconds after the start. */
      readonly at: number;
      readonly exit: ExitStatus | null;
    }
  /** Nobody wants to know of this one any more. */
  | { readonly type: 'drop'; readonly channel: number };

export type FromObserver =
  /** An empty buffer, and the bytes of frames (headers included) that were read of it, a channel. */
  | {
      readonly type: 'read';
      readonly buffer: ArrayBuffer;
      readonly counts: readonly (readonly [number, number])[];
    }
  | {
      readonly type: 'events';
      readonly channel: number;
      readonly events: readonly TransferEvent[];
    }
  | { readonly type: 'ended'; readonly channel: number };
