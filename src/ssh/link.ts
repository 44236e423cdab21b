/** Channels that carry one forwarded connection (RFC 4254 section 7): no program, no exit status. */
import type { Channel } from 'ssh2';
import { closeChannel, finishChannel, sendEof } from './channel.ts';

/** One forwarded connection; domain/upstream.ts has the same under the same name. */
export interface ChannelLink {
  readonly stream: Channel;
  endInput(): void;
  finish(): Promise<void>;
  close(): void;
  readonly closed: Promise<void>;
}

/** Takes a channel as it was opened or accepted; nothing else may listen to it. */
export function linkOf(channel: Channel): ChannelLink {
  const ignore = () => undefined;
  channel.on('error', ignore);
  channel.stderr?.on('error', ignore);
  // A machine may send there too, and what is not read keeps the channel from closing.
  if ('resume' in channel.stderr) channel.stderr.resume();
  return {
    stream: channel,
    endInput: () => sendEof(channel),
    finish: () => finishChannel(channel),
    close: () => closeChannel(channel),
    closed: new Promise((resolve) => channel.once('close', () => resolve())),
  };
}
