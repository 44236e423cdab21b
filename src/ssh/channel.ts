/**
 * What a channel of either leg must be able to say and ssh2's own methods cannot: requests with any
 * name, end of file apart from close, signals that RFC 4254 does not list. Nothing here throws: on a
 * channel or connection that is already gone, every function is silent.
 */
import type { Channel } from 'ssh2';
import { whenEow } from './eow.ts';
import { type ChannelInternals, sendPayload } from './internals.ts';
import { Message } from './messages.ts';
import { flushed } from './output.ts';
import { whenPeerCloses } from './peer-close.ts';
import { message, uint32, wireString } from './wire.ts';

/** How a program ended, as the machine said; `name` is without `SIG`. */
export type ExitInfo =
  | { readonly status: number }
  | { readonly signal: string; readonly coreDumped: boolean; readonly message: string };

function inside(channel: Channel): ChannelInternals {
  return channel as unknown as ChannelInternals;
}

function mayAsk(channel: ChannelInternals): boolean {
  return channel.outgoing.state === 'open' || channel.outgoing.state === 'eof';
}

/** Sends SSH_MSG_CHANNEL_REQUEST (RFC 4254 section 5.4) with `payload` as its type-specific data. */
export function sendChannelRequest(
  channel: Channel,
  name: string,
  wantReply: boolean,
  payload: Buffer = Buffer.alloc(0),
): void {
  const to = inside(channel);
  if (!mayAsk(to)) return;
  const wants = Uint8Array.of(wantReply ? 1 : 0);
  // ssh2 gives each answer to the oldest callback, so a question without one would take another's.
  if (wantReply) to._callbacks.push(() => undefined);
  sendPayload(
    to._client._protocol,
    message(Message.ChannelRequest, uint32(to.outgoing.id), wireString(name), wants, payload),
  );
}

/** "No more of your output is wanted" (OpenSSH's PROTOCOL, section 2.1). */
export function sendEow(channel: Channel): void {
  sendChannelRequest(channel, 'eow@openssh.com', false);
}

/** RFC 4335; the length is in milliseconds. */
export function sendBreak(channel: Channel, lengthMs: number): void {
  sendChannelRequest(channel, 'break', false, uint32(lengthMs));
}

/** RFC 4254 section 6.9, with any name (without `SIG`), also after our end of file. */
export function sendSignal(channel: Channel, name: string): void {
  sendChannelRequest(channel, 'signal', false, wireString(name));
}

/** RFC 4254 section 6.7, also after our end of file. */
export function sendWindowChange(
  channel: Channel,
  size: {
    readonly cols: number;
    readonly rows: number;
    readonly width: number;
    readonly height: number;
  },
): void {
  const fields = [size.cols, size.rows, size.width, size.height].map(uint32);
  sendChannelRequest(channel, 'window-change', false, Buffer.concat(fields));
}

/** RFC 4254 section 6.10; the code is taken modulo 2^32. */
export function sendExitStatus(channel: Channel, code: number): void {
  sendChannelRequest(channel, 'exit-status', false, uint32(code));
}

/** RFC 4254 section 6.10, with any signal name (without `SIG`). */
export function sendExitSignal(
  channel: Channel,
  exit: { readonly signal: string; readonly coreDumped: boolean; readonly message: string },
): void {
  const fields = [
    wireString(exit.signal),
    Uint8Array.of(exit.coreDumped ? 1 : 0),
    wireString(exit.message),
    wireString(''),
  ];
  sendChannelRequest(channel, 'exit-signal', false, Buffer.concat(fields));
}

/**
 * Half-closes: SSH_MSG_CHANNEL_EOF goes out after everything that was written before, and the other
 * direction lives on. Unlike `end()`, which on the server's side closes both at once.
 */
export function sendEof(channel: Channel): void {
  const to = inside(channel);
  void flushed(to).then(() => to.eof());
}

/** SSH_MSG_CHANNEL_CLOSE now; what was written and not yet sent is dropped. */
export function closeChannel(channel: Channel): void {
  inside(channel).close();
}

/**
 * The proper end of a server's channel: its output, then how the program ended, then EOF, then CLOSE
 * (RFC 4254 sections 5.3 and 6.10). Resolves when CLOSE is sent or the channel is gone.
 */
export async function finishChannel(channel: Channel, exit?: ExitInfo): Promise<void> {
  const to = inside(channel);
  await flushed(to);
  if (exit && 'status' in exit) sendExitStatus(channel, exit.status);
  else if (exit) sendExitSignal(channel, exit);
  to.eof();
  to.close();
}

/** How the machine said that the program on this client's channel ended; undefined if it did not. */
export function exitInfo(channel: Channel): ExitInfo | undefined {
  const { code, signal, dump, desc } = inside(channel)._exit;
  if (typeof code === 'number') return { status: code };
  if (signal === undefined) return undefined;
  return { signal: signal.replace(/^SIG/, ''), coreDumped: dump === true, message: desc ?? '' };
}

/** Calls `listener` once when the peer says (or has said) that it wants no more output. */
export function onEow(channel: Channel, listener: () => void): void {
  whenEow(channel, listener);
}

/** Calls `listener` once when the client closes the channel, though its input is still unread. */
export function onPeerClose(channel: Channel, listener: () => void): void {
  whenPeerCloses(channel, listener);
}

/**
 * What is written once the peer has closed is for nobody, and is dropped. Of itself such a write is an
 * error of the whole stream, after which neither what is left of its output nor its end is ever told.
 */
export function dropLateInput(channel: Channel): void {
  const write = channel.write.bind(channel) as (...given: readonly unknown[]) => boolean;
  const end = channel.end.bind(channel) as (...given: readonly unknown[]) => typeof channel;
  const dropped = (given: readonly unknown[]): void => {
    const done = given.at(-1);
    if (typeof done === 'function') queueMicrotask(() => done());
  };
  channel.write = (...given: readonly unknown[]): boolean => {
    if (channel.writable) return write(...given);
    dropped(given);
    return true;
  };
  // What comes with the end is written past `write`.
  channel.end = (...given: readonly unknown[]): typeof channel => {
    if (channel.writable) return end(...given);
    dropped(given);
    return channel;
  };
}
