import type { ServerChannel } from 'ssh2';
import { closeChannel, type ExitInfo, finishChannel, onEow, onPeerClose } from '../ssh/channel.ts';
import type { DownstreamStreams } from './pipe.ts';
import { finishSoon, type Refusal, refuse } from './refusal.ts';

/**
 * The user's side of one program: where its bytes go, what is heard of the user, and how it ends.
 * Each listener is called once at most.
 */
export interface UserEnd {
  readonly stream: DownstreamStreams & { readonly readableLength: number };
  /** All that the user sent was read and there will be no more, or the connection is gone. */
  onGone(listener: () => void): void;
  /** The user's client closed the channel; what it sent before is still on its way. */
  onLeaving(listener: () => void): void;
  /** The user's client wants no more output. */
  onNoReader(listener: () => void): void;
  /** As finishChannel in ssh/channel.ts. */
  finish(exit?: ExitInfo): Promise<void>;
  /** As finishSoon in refusal.ts. */
  finishSoon(exit?: ExitInfo): Promise<void>;
  /** As refuse in refusal.ts. */
  refuse(refusal: Refusal, terminal: boolean): Promise<void>;
  /** Ends without a word. */
  close(): void;
}

/** A channel that ends with its program. */
export class DirectEnd implements UserEnd {
  readonly stream: ServerChannel;

  constructor(channel: ServerChannel) {
    this.stream = channel;
  }

  onGone(listener: () => void): void {
    if (this.stream.closed) queueMicrotask(listener);
    else this.stream.once('close', listener);
  }

  onLeaving(listener: () => void): void {
    onPeerClose(this.stream, listener);
  }

  onNoReader(listener: () => void): void {
    onEow(this.stream, listener);
  }

  finish(exit?: ExitInfo): Promise<void> {
    return finishChannel(this.stream, exit);
  }

  finishSoon(exit?: ExitInfo): Promise<void> {
    return finishSoon(this.stream, exit);
  }

  refuse(refusal: Refusal, terminal: boolean): Promise<void> {
    return refuse(this.stream, refusal, terminal);
  }

  close(): void {
    closeChannel(this.stream);
  }
}
