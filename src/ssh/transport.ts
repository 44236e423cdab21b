/** The socket under a connection: it must always end, and never with ssh2's half-close alone. */
import { Socket } from 'node:net';
import { lazily } from './guard.ts';
import type { OwnerInternals, Transport } from './internals.ts';

const GOODBYE_MS = 500;
const LINGER_MS = 5_000;
const SILENT_MS = 2_000;

/**
 * Destroys within half a second, so that a DISCONNECT can still go out. Reading goes on meanwhile:
 * the dead parser throws everything away, and a socket with unread bytes would end in a reset that
 * takes the DISCONNECT with it.
 */
export const hangUp = lazily<Transport, () => void>((transport) => {
  let ending = false;
  return () => {
    if (ending || transport.destroyed) return;
    ending = true;
    transport.end();
    transport.resume();
    destroyLater(transport, GOODBYE_MS);
  };
});

function destroyLater(transport: Transport, afterMs: number): void {
  const timer = setTimeout(() => {
    transport.destroy();
    if (!(transport instanceof Socket)) insist(transport);
  }, afterMs);
  timer.unref();
  transport.once('close', () => clearTimeout(timer));
}

/** A channel that serves as a socket says 'close' only when its own machine answers: do not wait. */
function insist(transport: Transport): void {
  const timer = setTimeout(() => transport.emit('close'), SILENT_MS);
  timer.unref();
  transport.once('close', () => clearTimeout(timer));
}

/** Makes sure that every way in which this connection can end also destroys its socket. */
export function endWithSocket(owner: OwnerInternals): void {
  const transport = owner._sock;
  owner.on('error', () => hangUp(transport)());
  // After our FIN the peer gets some time to take what is still under way, then it is over.
  transport.once('finish', () => destroyLater(transport, LINGER_MS));
  transport.once('end', () => destroyLater(transport, GOODBYE_MS));
}
