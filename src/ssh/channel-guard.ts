/**
 * Channels (RFC 4254 section 5) on both legs: how many, with which packet size, within which window,
 * and that each one ends.
 */
import { Allowance, fatal, lazily, registration, watchMessages } from './guard.ts';
import type {
  ChannelEntry,
  ChannelInternals,
  MessageHandler,
  ProtocolInternals,
  SessionInternals,
} from './internals.ts';
import { Message, OpenFailure } from './messages.ts';
import { resumeOutput } from './output.ts';
import { notePeerClose } from './peer-close.ts';
import { endReading } from './unread.ts';
import { WireReader } from './wire.ts';

/** ssh2 sends in steps of the peer's packet size: with 0 it would never finish. */
const MIN_PACKET = 256;
const MAX_WINDOW = 0xffffffff;
const STDERR = 1;
/** Refused opens that end the connection: answering them is work too. */
const MAX_REFUSED = 1_000;

const opensOf = lazily<ProtocolInternals, { allowance: Allowance; refused: number }>(
  (protocol) => ({
    allowance: new Allowance(registration(protocol)?.limits.maxChannelOpens ?? 0),
    refused: 0,
  }),
);

const closing = new WeakSet<ChannelInternals>();

export function isSession(entry: ChannelEntry): entry is SessionInternals {
  return typeof entry === 'object' && '_chanInfo' in entry;
}

/** The channel behind an entry of a connection's table, if it is one already. */
export function channelOf(entry: ChannelEntry): ChannelInternals | undefined {
  if (isSession(entry)) return entry._channel;
  return typeof entry === 'object' ? entry : undefined;
}

/** The entry that a message on a channel is for; undefined on connections that are not ours. */
export function entryFor(protocol: ProtocolInternals, payload: Buffer): ChannelEntry {
  const id = new WireReader(payload).uint32();
  if (id === undefined || id === MAX_WINDOW) return undefined;
  return registration(protocol)?.owner._chanMgr.get(id);
}

function onOpen(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  const reader = new WireReader(payload);
  reader.string();
  const sender = reader.uint32();
  reader.uint32();
  const packet = reader.uint32();
  if (sender === undefined || packet === undefined)
    return fatal(protocol, 'truncated channel open');
  const refuse = (reason: number, why: string): unknown => {
    const opens = opensOf(protocol);
    opens.refused += 1;
    if (opens.refused > MAX_REFUSED) return fatal(protocol, 'too many channel opens');
    return protocol.channelOpenFail(sender, reason, why);
  };
  if (packet < MIN_PACKET) {
    return refuse(OpenFailure.AdministrativelyProhibited, 'maximum packet size too small');
  }
  const ours = registration(protocol);
  if (!ours) return next(protocol, payload);
  if (!opensOf(protocol).allowance.take()) {
    return refuse(OpenFailure.ResourceShortage, 'too many channel opens');
  }
  if (ours.owner._chanMgr._count >= ours.limits.maxChannels) {
    return refuse(OpenFailure.ResourceShortage, 'too many channels');
  }
  return next(protocol, payload);
}

function onConfirm(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  const packet = payload.length < 17 ? 0 : payload.readUInt32BE(13);
  if (packet < MIN_PACKET) return fatal(protocol, 'maximum packet size too small');
  return next(protocol, payload);
}

function onAdjust(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  const entry = entryFor(protocol, payload);
  const more = payload.length < 9 ? 0 : payload.readUInt32BE(5);
  const channel = channelOf(entry);
  const end = channel?.outgoing ?? (isSession(entry) ? entry._chanInfo.outgoing : undefined);
  if (end && end.window + more > MAX_WINDOW) return fatal(protocol, 'window too large');
  // ssh2 forgets what is granted before the program runs.
  if (end && !channel) end.window += more;
  const result = next(protocol, payload);
  if (channel) resumeOutput(channel);
  return result;
}

function onData(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  const extended = payload[0] === Message.ChannelExtendedData;
  const channel = channelOf(entryFor(protocol, payload));
  if (!channel) return next(protocol, payload);
  const reader = new WireReader(payload);
  reader.uint32();
  const isStderr = extended && reader.uint32() === STDERR;
  // A client has no stderr; ssh2 ignores what it sends there, without a window.
  if (extended && (!isStderr || channel.server)) return undefined;
  // After the end of file there is nobody to give it to, and a stream would throw.
  if (channel.incoming.state !== 'open') return undefined;
  const length = reader.string()?.length ?? 0;
  if (length > channel.incoming.window) return fatal(protocol, 'window exceeded');
  return next(protocol, payload);
}

function onEof(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  const entry = entryFor(protocol, payload);
  const result = next(protocol, payload);
  // The program goes on: it may still be signalled, and its terminal resized.
  if (isSession(entry) && entry._channel) entry._ending = false;
  return result;
}

/** A close before anything ran: ssh2 neither answers it nor forgets the channel. */
function closeUnused(protocol: ProtocolInternals, session: SessionInternals): void {
  registration(protocol)?.owner._chanMgr.remove(session._chanInfo.incoming.id);
  protocol.channelClose(session._chanInfo.outgoing.id);
}

function finishClose(
  protocol: ProtocolInternals,
  channel: ChannelInternals,
  payload: Buffer,
  next: MessageHandler,
): unknown {
  const result = next(protocol, payload);
  resumeOutput(channel);
  endReading(channel);
  if (channel.server) notePeerClose(channel);
  else endReading(channel.stderr);
  return result;
}

function onClose(protocol: ProtocolInternals, payload: Buffer, next: MessageHandler): unknown {
  const entry = entryFor(protocol, payload);
  const channel = channelOf(entry);
  if (!channel) {
    const result = next(protocol, payload);
    if (isSession(entry)) closeUnused(protocol, entry);
    return result;
  }
  if (closing.has(channel)) return undefined;
  const { stderr } = channel;
  if (channel.server || stderr.readableEnded || stderr.readableLength === 0) {
    return finishClose(protocol, channel, payload, next);
  }
  // ssh2 would say 'close' while the tail of stderr is still unread.
  closing.add(channel);
  const kept = Buffer.from(payload);
  stderr.once('end', () => {
    if (entryFor(protocol, kept) === channel) finishClose(protocol, channel, kept, next);
  });
  channel.incoming.state = 'eof';
  stderr.push(null);
  channel.push(null);
  endReading(stderr);
  return undefined;
}

/** Puts the guards around the channel messages of both legs. */
export function installChannelGuard(): void {
  watchMessages([Message.ChannelOpen], onOpen);
  watchMessages([Message.ChannelOpenConfirmation], onConfirm);
  watchMessages([Message.ChannelWindowAdjust], onAdjust);
  watchMessages([Message.ChannelData, Message.ChannelExtendedData], onData);
  watchMessages([Message.ChannelEof], onEof);
  watchMessages([Message.ChannelClose], onClose);
}
