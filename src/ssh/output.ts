/**
 * Channel output of both legs. ssh2 sends whatever the window allows without a look at the socket or
 * at a re-key in progress, keeps one slot for what the window did not take and so mixes up stdout
 * and stderr, and forgets callbacks of writes on a channel that closes. Here each channel has one
 * queue in the order of its writes, each connection one line of channels that wait for its socket.
 */
import { lazily, traffic } from './guard.ts';
import { type ChannelInternals, library, type OwnerInternals } from './internals.ts';

/** Bytes that may wait in a socket before channels are held back. */
const SOCKET_HIGH_WATER = 512 * 1024;
/** Bytes that `write()` takes on a channel before it returns false. */
const CHANNEL_HIGH_WATER = 256 * 1024;
/** Bytes that one of several waiting channels may send before it is the next one's turn. */
const QUANTUM = 64 * 1024;
const STDERR = 1;
const EMPTY = Buffer.alloc(0);

interface Piece {
  readonly bytes: Buffer;
  readonly stderr: boolean;
  readonly done: () => void;
  at: number;
}

interface Output {
  readonly queue: Piece[];
  sending: boolean;
}

interface Line {
  readonly waiting: Set<ChannelInternals>;
  listening: boolean;
}

interface HasHighWater {
  readonly _writableState: { highWaterMark: number };
}

const outputOf = lazily<ChannelInternals, Output>((channel) => {
  (channel as unknown as HasHighWater)._writableState.highWaterMark = CHANNEL_HIGH_WATER;
  if (channel.server) {
    (channel.stderr as unknown as HasHighWater)._writableState.highWaterMark = CHANNEL_HIGH_WATER;
  }
  return { queue: [], sending: false };
});

const lineOf = lazily<OwnerInternals, Line>((owner) => {
  owner.on('handshake', () => advance(owner));
  owner.once('close', () => dropAll(owner));
  return { waiting: new Set(), listening: false };
});

function isGone(channel: ChannelInternals): boolean {
  const owner = channel._client;
  return (
    channel.outgoing.state !== 'open' ||
    owner._sock.destroyed ||
    owner._protocol._destruct === undefined
  );
}

function isHeld(owner: OwnerInternals): boolean {
  return owner._protocol._kexinit !== undefined || owner._sock.writableLength > SOCKET_HIGH_WATER;
}

function sendPacket(channel: ChannelInternals, piece: Piece): number {
  const { outgoing, _client: owner } = channel;
  const left = piece.bytes.length - piece.at;
  const size = Math.min(left, outgoing.window, outgoing.packetSize);
  const bytes =
    size === piece.bytes.length ? piece.bytes : piece.bytes.subarray(piece.at, piece.at + size);
  piece.at += size;
  outgoing.window -= size;
  traffic(owner._protocol).out += size;
  if (piece.stderr) owner._protocol.channelExtData(outgoing.id, bytes, STDERR);
  else owner._protocol.channelData(outgoing.id, bytes);
  return size;
}

type Stop = 'done' | 'window' | 'held' | 'turn';

/** Sends what is left of one piece, `quantum` bytes at most; says what stopped it. */
function sendPiece(channel: ChannelInternals, piece: Piece, quantum: number): Stop {
  let sent = 0;
  while (piece.at < piece.bytes.length) {
    // On a channel that is gone the rest is dropped, but nobody may wait for it for ever.
    if (isGone(channel)) return 'done';
    if (channel.outgoing.window === 0) return 'window';
    if (isHeld(channel._client)) return 'held';
    if (sent >= quantum) return 'turn';
    sent += sendPacket(channel, piece);
  }
  return 'done';
}

/** Sends from the head of the queue; says what stopped it. */
function send(channel: ChannelInternals, quantum: number): Stop {
  const { queue } = outputOf(channel);
  let left = quantum;
  for (let piece = queue[0]; piece; piece = queue[0]) {
    const from = piece.at;
    const stopped = sendPiece(channel, piece, left);
    if (stopped !== 'done') return stopped;
    left -= piece.at - from;
    queue.shift();
    // Later on a channel that is gone: a source that writes until told to wait must get to see it.
    if (isGone(channel)) setImmediate(piece.done);
    else piece.done();
  }
  return 'done';
}

function listen(owner: OwnerInternals, line: Line): void {
  if (line.listening || owner._protocol._kexinit !== undefined) return;
  line.listening = true;
  owner._sock.once('drain', () => {
    line.listening = false;
    advance(owner);
  });
}

function run(channel: ChannelInternals, quantum: number): void {
  const output = outputOf(channel);
  if (output.sending) return;
  output.sending = true;
  const stopped = send(channel, quantum);
  output.sending = false;
  if (stopped !== 'held' && stopped !== 'turn') return;
  const line = lineOf(channel._client);
  line.waiting.add(channel);
  listen(channel._client, line);
}

/** The socket has room again, or the new keys are in force: the waiting channels take turns. */
function advance(owner: OwnerInternals): void {
  const line = lineOf(owner);
  for (const channel of line.waiting) {
    if (isHeld(owner)) break;
    line.waiting.delete(channel);
    run(channel, QUANTUM);
  }
  if (line.waiting.size > 0 && isHeld(owner)) listen(owner, line);
}

/** Tries again: the window grew, or the channel is gone and its callbacks are due. */
export function resumeOutput(channel: ChannelInternals): void {
  const line = lineOf(channel._client);
  if (isGone(channel)) line.waiting.delete(channel);
  // A channel may not overtake those that wait for the socket.
  else if (line.waiting.size > 0) {
    line.waiting.add(channel);
    listen(channel._client, line);
    return;
  }
  run(channel, Number.POSITIVE_INFINITY);
}

function dropAll(owner: OwnerInternals): void {
  const { Channel } = library().channel;
  lineOf(owner).waiting.clear();
  for (const entry of Object.values(owner._chanMgr._channels)) {
    const channel = typeof entry === 'object' && '_channel' in entry ? entry._channel : entry;
    if (channel instanceof Channel) run(channel, Number.POSITIVE_INFINITY);
  }
}

function enqueue(
  channel: ChannelInternals,
  bytes: Buffer,
  stderr: boolean,
  done: () => void,
): void {
  outputOf(channel).queue.push({ bytes, stderr, done, at: 0 });
  resumeOutput(channel);
}

/** Resolves when everything written so far has been sent, or dropped because the channel is gone. */
export async function flushed(channel: ChannelInternals): Promise<void> {
  await wrote(channel);
  if (channel.server) await wrote(channel.stderr);
}

function wrote(stream: ChannelInternals | ChannelInternals['stderr']): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableFinished || stream.writableLength === 0) resolve();
    else if (stream.writableEnded) stream.once('finish', () => resolve());
    else stream.write(EMPTY, () => resolve());
  });
}

/** Replaces ssh2's ways of writing to channels. */
export function installOutput(): void {
  const { Channel } = library().channel;
  const prototype = Channel.prototype as unknown as {
    _write: unknown;
    _final: unknown;
    close: unknown;
  };
  const close = Channel.prototype.close;
  prototype._write = function write(
    this: ChannelInternals,
    bytes: Buffer,
    _: string,
    done: () => void,
  ) {
    enqueue(this, bytes, false, done);
  };
  prototype._final = function final(this: ChannelInternals, done: () => void) {
    // ssh2 closes the channel right after this; stderr must be out by then.
    if (this.server) void wrote(this.stderr).then(done);
    else done();
  };
  prototype.close = function closeAndDrop(this: ChannelInternals) {
    close.call(this);
    resumeOutput(this);
  };
  const info = { type: 'session', incoming: {}, outgoing: { state: 'closed' } };
  const stderr = new Channel({}, info, { server: true }).stderr;
  Object.getPrototypeOf(stderr)._write = function write(
    this: { readonly _channel: ChannelInternals },
    bytes: Buffer,
    _: string,
    done: () => void,
  ) {
    enqueue(this._channel, bytes, true, done);
  };
}
