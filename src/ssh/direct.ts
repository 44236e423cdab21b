/** A way through one machine to another: direct-tcpip (RFC 4254 section 7.2), asked for by us. */
import type { Client, ClientChannel } from 'ssh2';
import { UpstreamError } from './client.ts';
import { printable } from './printable.ts';

export interface DirectOptions {
  /** As the machine in the middle resolves it. */
  readonly host: string;
  readonly port: number;
  /** Until the machine in the middle has answered, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Opens a channel through the machine to `host` and `port`, to serve as the socket of another
 * connection. Rejects with an `UpstreamError`; a channel that comes too late is closed.
 */
export function openDirect(client: Client, options: DirectOptions): Promise<ClientChannel> {
  const { host, port, timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (): boolean => {
      const first = !settled;
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      client.removeListener('close', onClose);
      return first;
    };
    const fail = (kind: UpstreamError['kind'], text: string): void => {
      if (settle()) reject(new UpstreamError(kind, text));
    };
    const onAbort = (): void => fail('aborted', 'aborted');
    const onClose = (): void => fail('protocol', 'the machine closed the connection');
    const timer = setTimeout(
      () => fail('timeout', 'the machine did not answer in time'),
      timeoutMs,
    );
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    client.once('close', onClose);
    try {
      client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        if (error) return fail('refused', printable(error.message));
        channel.on('error', () => undefined);
        channel.stderr?.on('error', () => undefined);
        if (settle()) resolve(channel);
        else channel.destroy();
      });
    } catch {
      // The connection is gone already.
      onClose();
    }
  });
}
