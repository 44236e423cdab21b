import type { ChildProcess } from 'node:child_process';
import type { EventEmitter } from 'node:events';

/** The process at the other end of an IPC channel (`serialization: 'advanced'`). */
export interface Peer {
  /** Nothing comes of it when the other process is gone: `onLost` says so. */
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Calls once the channel is closed and everything that came through it was heard. */
  onLost(listener: () => void): void;
}

/** A failure to send is a channel that closes, of which its owner hears. */
const unheard = (): void => undefined;

export function childPeer(child: ChildProcess): Peer {
  return peerOf(child, (message) => child.send(message as object, unheard));
}

/** The process that forked this one. */
export function parentPeer(): Peer {
  return peerOf(process, (message) => process.send?.(message, undefined, {}, unheard));
}

function peerOf(
  end: EventEmitter & { readonly connected: boolean },
  send: (message: unknown) => void,
): Peer {
  return {
    send: (message) => {
      if (end.connected) send(message);
    },
    onMessage: (listener) => {
      end.on('message', listener);
    },
    onLost: (listener) => {
      if (end.connected) end.once('disconnect', listener);
      else setImmediate(listener);
    },
  };
}
