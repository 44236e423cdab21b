/** The peer's CLOSE (RFC 4254 section 5.3): 'close' waits until all input was read; this does not. */
import type { EventEmitter } from 'node:events';

const EVENT = 'postern:peer-close';

/** It has come. */
export function notePeerClose(channel: EventEmitter): void {
  channel.emit(EVENT);
}

/** Calls `listener` in the turn in which it comes. */
export function whenPeerCloses(channel: EventEmitter, listener: () => void): void {
  channel.once(EVENT, listener);
}
