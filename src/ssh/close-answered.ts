import type { Connection } from 'ssh2';
import type { ChannelInternals, OwnerInternals } from './internals.ts';
import { whenPeerCloses } from './peer-close.ts';

/**
 * Settles when the client has answered each CLOSE that it was sent, which it does once it has passed on
 * what came before; or after `ms`, or when `gone` does. OpenSSH that reads a DISCONNECT in the same
 * breath as the last words of a channel throws these away.
 */
export async function whenCloseAnswered(
  connection: Connection,
  ms: number,
  gone: Promise<void>,
): Promise<void> {
  const { _channels: channels } = (connection as unknown as OwnerInternals)._chanMgr;
  const answers = Object.values(channels)
    .filter((entry) => isClosing(entry))
    .map((channel) => new Promise<void>((resolve) => whenPeerCloses(channel, resolve)));
  if (answers.length === 0) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([Promise.all(answers), late, gone]);
  clearTimeout(timer);
}

function isClosing(entry: unknown): entry is ChannelInternals {
  if (typeof entry !== 'object' || entry === null || !('outgoing' in entry)) return false;
  return (entry as ChannelInternals).outgoing.state === 'closing';
}
