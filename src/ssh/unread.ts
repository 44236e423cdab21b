/** Streams that nobody reads: ssh2 says 'close' on a channel only after its data was taken. */
import { lazily } from './guard.ts';
import type { ChannelInternals, OwnerInternals } from './internals.ts';

const PATIENCE_MS = 2_000;

interface Reading {
  readonly readableEnded: boolean;
  readonly readableFlowing: boolean | null;
  readonly _channel?: ChannelInternals;
  readonly _client?: OwnerInternals;
  resume(): unknown;
  once(event: 'end' | 'close', listener: () => void): unknown;
}

function isOver(stream: Reading): boolean {
  const owner = stream._client ?? stream._channel?._client;
  return owner === undefined || owner._protocol._destruct === undefined;
}

const waitingFor = lazily<Reading, { timer: NodeJS.Timeout | undefined }>(() => ({
  timer: undefined,
}));

/**
 * After the peer's CLOSE: throws away what nobody came to read within two seconds. A reader that
 * has only paused keeps its data for as long as the connection lives.
 */
export function endReading(stream: Reading): void {
  const waiting = waitingFor(stream);
  if (stream.readableEnded || waiting.timer) return;
  waiting.timer = setInterval(() => {
    if (stream.readableFlowing === null || isOver(stream)) stream.resume();
  }, PATIENCE_MS);
  waiting.timer.unref();
  const stop = () => clearInterval(waiting.timer);
  stream.once('end', stop);
  stream.once('close', stop);
}

/** The same for all channels of a connection that is gone. */
export function endReadingWith(owner: OwnerInternals): void {
  owner.once('close', () => {
    for (const entry of Object.values(owner._chanMgr._channels)) {
      const channel = typeof entry === 'object' && '_chanInfo' in entry ? entry._channel : entry;
      if (typeof channel !== 'object') continue;
      endReading(channel);
      if (!channel.server) endReading(channel.stderr);
    }
  });
}
