/**
 * RFC 4253 section 7: a peer may send its first key exchange packet before it knows our algorithms
 * (first_kex_packet_follows). ssh2 compares the wrong things and always drops that packet, so a
 * Dropbear client that guessed right waits for an answer for ever.
 */
import { nameSignature } from './host-certificate.ts';
import { handleHybrid } from './hybrid-kex.ts';
import type { ProtocolInternals } from './internals.ts';
import { Message } from './messages.ts';
import { WireReader } from './wire.ts';

const COOKIE = 16;

/** Whether this KEXINIT is followed by a guess that is wrong, and so must be dropped. */
function guessedWrong(protocol: ProtocolInternals, payload: Buffer): boolean {
  const reader = new WireReader(payload, 1 + COOKIE);
  const kex = reader.list();
  const hostKeys = reader.list();
  for (let others = 0; others < 8; others++) reader.string();
  if (reader.boolean() !== true) return false;
  const { lists } = protocol._offer;
  const sameKex = kex?.[0] === lists.kex.array[0];
  const sameHostKey = hostKeys?.[0] === lists.serverHostKey.array[0];
  return !(sameKex && sameHostKey);
}

/** Runs ssh2's KEXINIT handling, then puts right what it makes of certificates and of the guess. */
export function handleKexinit(
  protocol: ProtocolInternals,
  payload: Buffer,
  handle: (payload: Buffer) => unknown,
): unknown {
  const result = handleHybrid(protocol, payload, handle);
  nameSignature(protocol);
  protocol._skipNextInboundPacket =
    protocol._destruct !== undefined && guessedWrong(protocol, payload);
  return result;
}

/** For the first exchange, whose packets do not pass through the message table. */
export function correctFirstGuess(protocol: ProtocolInternals): void {
  const decipher = protocol._decipher;
  if (!decipher) return;
  const handle = decipher._onPayload;
  decipher._onPayload = (payload) =>
    payload[0] === Message.Kexinit ? handleKexinit(protocol, payload, handle) : handle(payload);
}
