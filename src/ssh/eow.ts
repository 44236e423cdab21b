/** "End of write" (OpenSSH's PROTOCOL, section 2.1): the peer wants no more output on a channel. */
import type { EventEmitter } from 'node:events';

const EVENT = 'postern:eow';
const said = new WeakSet<EventEmitter>();

/** The peer has said it. */
export function noteEow(channel: EventEmitter): void {
  said.add(channel);
  channel.emit(EVENT);
}

/** Calls `listener` once when the peer says it, soon if it already has. */
export function whenEow(channel: EventEmitter, listener: () => void): void {
  if (said.has(channel)) queueMicrotask(listener);
  else channel.once(EVENT, listener);
}
