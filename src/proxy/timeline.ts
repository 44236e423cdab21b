import type { Capability } from '../domain/capability.ts';
import { printable } from '../domain/log.ts';
import type { ChannelRecording } from '../domain/recording.ts';
import type { TransferEvent } from '../domain/transfer.ts';
import type { PipeCounts } from './pipe.ts';

/** UTF-16 units of a place or a path in a mark. */
const LONGEST_NAME = 200;

/** UTF-16 units of how a transfer ended. */
const LONGEST_RESULT = 60;

/** One forwarded connection, or a listener for such. */
export interface TimelineForward {
  /** Its number in the session. */
  readonly channel: number;
  readonly capability: Capability;
  readonly place: string;
}

/**
 * What goes on in a session beside its recorded programs: forwards and transfers stand as marks in the
 * recordings that are being made then. No bytes that were carried, names and counts alone.
 */
export class Timeline {
  readonly #recordings = new Set<ChannelRecording>();
  readonly #open = new Set<TimelineForward>();

  /** What stands already is the first that it says. */
  join(recording: ChannelRecording): void {
    for (const one of this.#recordings) if (one.isOver) this.#recordings.delete(one);
    this.#recordings.add(recording);
    for (const forward of this.#open) recording.mark(`${words(forward)} is open`);
  }

  opened(forward: TimelineForward): void {
    this.#open.add(forward);
    this.#mark(`${words(forward)} opened`);
  }

  closed(forward: TimelineForward, { bytesIn, bytesOut }: PipeCounts): void {
    this.#open.delete(forward);
    this.#mark(`${words(forward)} closed, ${bytesIn} bytes in, ${bytesOut} bytes out`);
  }

  /** The files among what a channel did. */
  transferred(channel: number, events: readonly TransferEvent[]): void {
    for (const event of events) {
      if (event.operation !== 'file' && event.operation !== 'tree') continue;
      const { protocol, direction, bytesRead, bytesWritten, result } = event;
      const way = direction === null || direction === 'both' ? 'transfer' : direction;
      const bytes = Math.max(bytesRead, bytesWritten);
      const path = printable(event.path, LONGEST_NAME);
      this.#mark(
        `postern: ${way} of ${path}, ${bytes} bytes, ${printable(result, LONGEST_RESULT)} (${protocol}, channel ${channel})`,
      );
    }
  }

  #mark(text: string): void {
    for (const recording of this.#recordings) recording.mark(text);
  }
}

function words({ channel, capability, place }: TimelineForward): string {
  const where = place === capability ? '' : ` ${printable(place, LONGEST_NAME)}`;
  return `postern: ${capability}${where} (channel ${channel})`;
}
