/**
 * Packet padding (RFC 4253 section 6) from a pool: ssh2 asks the system for some ten random bytes per
 * packet, which costs as much as encrypting it.
 */
import { randomFillSync } from 'node:crypto';
import { sampleCiphers } from './cipher-keeper.ts';
import { type CipherInternals, library } from './internals.ts';

const POOL_BYTES = 65_536;
const MAX_PADDING = 32;
const HEADER = 5;
const MIN_PADDING = 4;

const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** Moves unused random bytes from the pool, which keeps no copy of what it gave. */
function fillPadding(packet: Buffer, from: number, length: number): void {
  if (used + length > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  for (let at = from; at < from + length; at++, used++) {
    packet[at] = pool[used] ?? 0;
    pool[used] = 0;
  }
}

/** A packet with length, padding length and padding in place, `extra` bytes for the tag after it. */
function allocate(payload: number, block: number, clear: number, extra: number): Buffer {
  let padding = block - ((HEADER + payload - clear) & (block - 1));
  if (padding < MIN_PADDING) padding += block;
  const length = HEADER + payload + padding;
  const packet = Buffer.allocUnsafe(length + extra);
  packet.writeUInt32BE(length - 4);
  packet[4] = padding;
  if (padding > MAX_PADDING) randomFillSync(packet, HEADER + payload, padding);
  else fillPadding(packet, HEADER + payload, padding);
  return packet;
}

interface GenericCipher extends CipherInternals {
  readonly _encBlockLen: number;
  readonly _aadLen: number;
  readonly _macLen?: number;
}

function prototypeFor(cipher: string, mac?: string): { allocPacket: unknown } {
  const [encrypts, decrypts] = sampleCiphers(cipher, mac) as readonly CipherInternals[];
  encrypts?.free();
  decrypts?.free();
  return Object.getPrototypeOf(encrypts);
}

/** Gives the AES ciphers pooled padding. */
export function installPadding(): void {
  const tag = library().crypto.bindingAvailable ? 16 : 0;
  prototypeFor('aes128-gcm@openssh.com').allocPacket = (payload: number) =>
    allocate(payload, 16, 4, tag);
  prototypeFor('aes128-ctr', 'hmac-sha2-256-etm@openssh.com').allocPacket = function allocPacket(
    this: GenericCipher,
    payload: number,
  ) {
    return allocate(payload, this._encBlockLen, this._aadLen, this._macLen ?? 0);
  };
}
