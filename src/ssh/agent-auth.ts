/**
 * Logging in with the keys of an agent (RFC 4252 section 7). ssh2 reads the keys and rewrites the
 * signatures, so it knows neither certificates nor security tokens; here both pass as they are.
 */
import { generateHostKey } from './host-key.ts';
import { type OwnerInternals, type ProtocolInternals, sendPayload } from './internals.ts';
import { Message } from './messages.ts';
import { message, WireReader, wireString } from './wire.ts';

export interface AgentKeys {
  /** Public keys and certificates, in the order in which they are tried. */
  readonly identities: readonly Buffer[];
  /** The whole signature of `data`, with its algorithm's name; with RSA keys of rsa-sha2-512. */
  readonly sign: (blob: Buffer, data: Buffer) => Promise<Buffer>;
}

/** An agent's RSA keys sign with SHA-2; their types say nothing of that. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['ssh-rsa', 'rsa-sha2-512'],
  ['ssh-rsa-cert-v01@openssh.com', 'rsa-sha2-512-cert-v01@openssh.com'],
]);

function algorithmOf(blob: Buffer): string {
  const type = new WireReader(blob, 0).string()?.toString('latin1') ?? '';
  return ALGORITHMS.get(type) ?? type;
}

function requestFor(username: string, blob: Buffer, signed: boolean): Buffer {
  return message(
    Message.UserauthRequest,
    wireString(username),
    wireString('ssh-connection'),
    wireString('publickey'),
    Uint8Array.of(signed ? 1 : 0),
    wireString(algorithmOf(blob)),
    wireString(blob),
  );
}

async function signed(
  protocol: ProtocolInternals,
  keys: AgentKeys,
  username: string,
  blob: Buffer,
): Promise<Buffer> {
  const sessionId = protocol._kex?.sessionID;
  if (sessionId === undefined) throw new Error('authentication before the key exchange');
  const request = requestFor(username, blob, true);
  const signature = await keys.sign(blob, Buffer.concat([wireString(sessionId), request]));
  return Buffer.concat([request, wireString(signature)]);
}

/**
 * Makes this connection offer the agent's keys, one by one, each time that ssh2 comes to log in with
 * a key, and has the agent sign for the first that the machine would take.
 */
export function presentAgent(client: OwnerInternals, keys: AgentKeys): void {
  const { _protocol: protocol } = client;
  const { USERAUTH_FAILURE: onFailure } = protocol._handlers;
  let at = -1;
  protocol.authPK = (username, _key, _algorithm, sign) => {
    if (sign === undefined) at += 1;
    const blob = keys.identities[at];
    if (blob === undefined) throw new Error('no key is left');
    const send = (payload: Buffer): void => {
      protocol._authsQueue.push('publickey');
      sendPayload(protocol, payload);
    };
    if (sign === undefined) {
      send(requestFor(username, blob, false));
      return;
    }
    signed(protocol, keys, username, blob)
      .then(send)
      // To ssh2 a key that does not sign is as one that the machine did not take.
      .catch(() => onFailure?.(...([protocol, ['publickey'], false] as never[])));
  };
}

/** How often ssh2 may come: once for each key. Its own key is never used. */
export function agentMethods(
  { identities }: AgentKeys,
  username: string,
): (offered: readonly string[] | null) => unknown {
  const { privatePem: key } = generateHostKey();
  let left = identities.length;
  return (offered) => {
    left -= 1;
    const wanted = offered === null || offered.includes('publickey');
    return left >= 0 && wanted && { type: 'publickey', username, key };
  };
}
