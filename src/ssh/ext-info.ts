/**
 * EXT_INFO (RFC 8308) of the server: ssh2's list of signature algorithms lacks a comma and offers
 * SHA-1 and DSA. Ours also offers pings, without which OpenSSH does not blur keystroke timing.
 */
import { type OwnerInternals, sendPayload } from './internals.ts';
import { Message } from './messages.ts';
import { message, uint32, wireString } from './wire.ts';

const SIGNATURES = [
  'ssh-ed25519',
  'sk-ssh-ed25519@openssh.com',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

const EXTENSIONS = [
  ['server-sig-algs', SIGNATURES.join(',')],
  ['ping@openssh.com', '0'],
] as const;

/** Sends our own EXT_INFO where ssh2 would send its; call it before the first key exchange. */
export function sendOwnExtInfo(owner: OwnerInternals): void {
  const protocol = owner._protocol;
  const done = protocol._onHandshakeComplete;
  protocol._onHandshakeComplete = (negotiated) => {
    protocol._onHandshakeComplete = done;
    if (protocol._kex?.remoteExtInfoEnabled) {
      protocol._kex.remoteExtInfoEnabled = false;
      const fields = EXTENSIONS.flatMap((pair) => pair.map(wireString));
      sendPayload(protocol, message(Message.ExtInfo, uint32(EXTENSIONS.length), ...fields));
    }
    done(negotiated);
  };
}
