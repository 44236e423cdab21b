import type { ChannelInternals } from './internals.ts';

export function flushed(_channel: ChannelInternals): Promise<void> {
  throw new Error('not written yet');
}
