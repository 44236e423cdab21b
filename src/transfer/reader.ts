import type { ExitStatus } from '../domain/terminal.ts';
import type { TransferEvent } from '../domain/transfer.ts';
import type { Clock } from './clock.ts';

/** Reads one protocol; its methods throw Unreadable for what they cannot make sense of. */
export interface TransferReader {
  /** What the user sent. A chunk is not kept: its memory is used again. */
  fromUser(chunk: Buffer): void;
  /** What the program on the machine wrote to its output. */
  toUser(chunk: Buffer): void;
  /** The program has ended (null: it did not say how); what is open now was cut. */
  end(exit: ExitStatus | null): void;
}

/** Where a reader reports. */
export type Report = (event: TransferEvent) => void;

/** An event that is about no open file. */
export function plainEvent(
  clock: Clock,
  about: Pick<TransferEvent, 'protocol' | 'operation' | 'path' | 'result'> & Partial<TransferEvent>,
): TransferEvent {
  return {
    target: null,
    direction: null,
    bytesRead: 0,
    bytesWritten: 0,
    sha256: null,
    sequential: false,
    startedAt: clock.date(),
    duration: 0,
    ...about,
  };
}
