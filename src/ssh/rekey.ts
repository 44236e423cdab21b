/**
 * Key re-exchange on both legs (RFC 4253 section 9): ssh2 never starts one by itself, waits for ever
 * for one to end, and lets a peer ask for one after the other, before authentication too.
 */
import { fatal, lazily, registration, traffic, watchMessages } from './guard.ts';
import { library, type OwnerInternals, type ProtocolInternals } from './internals.ts';
import { handleKexinit } from './kex-guess.ts';
import { Message } from './messages.ts';

/** Re-keys that a peer may ask for: so many at once, and one more for each so many bytes. */
const FREE_REKEYS = 64;
const BYTES_PER_REKEY = 16_384;

interface KeyAge {
  bytes: number;
  at: number;
  count: number;
  timer: NodeJS.Timeout | undefined;
}

const keyAge = lazily<ProtocolInternals, KeyAge>(() => ({
  bytes: 0,
  at: performance.now(),
  count: 0,
  timer: undefined,
}));

function moved(protocol: ProtocolInternals): number {
  const { in: inBytes, out } = traffic(protocol);
  return inBytes + out;
}

function setDeadline(protocol: ProtocolInternals): void {
  const ours = registration(protocol);
  const age = keyAge(protocol);
  if (!ours || age.timer) return;
  age.timer = setTimeout(
    () => fatal(protocol, 'key re-exchange not finished'),
    ours.limits.rekeyTimeoutMs,
  );
  age.timer.unref();
}

/** Of the transport: what may come between a peer's KEXINIT and its NEWKEYS (RFC 4253 section 7.1). */
const TRANSPORT_MESSAGES: readonly number[] = [
  Message.Ignore,
  Message.Unimplemented,
  Message.Debug,
];

/**
 * Call it when the peer's KEXINIT was taken. Until its NEWKEYS ssh2 ends the connection at everything
 * else. Strict key exchange asks for that in the first exchange alone (OpenSSH's PROTOCOL, section
 * 1.10). asyncssh sends an IGNORE before each packet, and as Debian 12 has it goes on with its data,
 * which RFC 4253 forbids and sshd takes; it came under the old keys, and nothing follows from it.
 */
function hearOtherMessages(protocol: ProtocolInternals): void {
  const decipher = protocol._decipher;
  if (!decipher) return;
  const { handlers } = library();
  const handle = decipher._onPayload;
  decipher._onPayload = (payload) => {
    const type = payload[0] ?? 0;
    const other = TRANSPORT_MESSAGES.includes(type) || type >= Message.GlobalRequest;
    if (!other || protocol._skipNextInboundPacket) return handle(payload);
    return handlers[type]?.(protocol, payload);
  };
}

/** Starts a re-key when the keys have served for long enough. */
export function rekeyWhenDue(protocol: ProtocolInternals): void {
  const limits = registration(protocol)?.limits;
  if (!limits || !protocol._authenticated || protocol._kexinit !== undefined) return;
  const age = keyAge(protocol);
  // New keys are not in force both ways until the handshake is reported done.
  if (age.timer) return;
  const old = performance.now() - age.at > limits.rekeyMs;
  if (old || moved(protocol) - age.bytes > limits.rekeyBytes) protocol.rekey();
}

/** Notes when new keys are in force; call it once for each connection, when it is made. */
export function watchKeys(owner: OwnerInternals): void {
  const protocol = owner._protocol;
  const age = keyAge(protocol);
  owner.on('handshake', () => {
    clearTimeout(age.timer);
    age.timer = undefined;
    age.bytes = moved(protocol);
    age.at = performance.now();
  });
  owner.once('close', () => clearTimeout(age.timer));
}

/** Puts the guards around re-keys from both sides. */
export function installRekeyGuard(): void {
  const prototype = library().Protocol.prototype;
  const rekey = prototype.rekey;
  prototype.rekey = function guardedRekey(this: ProtocolInternals) {
    rekey.call(this);
    if (this._kexinit !== undefined) setDeadline(this);
  };
  watchMessages([Message.Kexinit], (protocol, payload, next) => {
    if (!protocol._authenticated) return fatal(protocol, 're-key before authentication');
    const age = keyAge(protocol);
    // An answer to our own is none that the peer asked for.
    if (protocol._kexinit === undefined) age.count += 1;
    if (age.count > FREE_REKEYS + moved(protocol) / BYTES_PER_REKEY) {
      return fatal(protocol, 'too many re-keys');
    }
    setDeadline(protocol);
    const result = handleKexinit(protocol, payload, (kexinit) => next(protocol, kexinit));
    hearOtherMessages(protocol);
    return result;
  });
}
