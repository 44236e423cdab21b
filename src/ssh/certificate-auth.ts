/**
 * A user certificate shown to a machine. ssh2 names the certificate's type as the algorithm of the
 * signature too, which sshd refuses; so the request is written here (RFC 4252 section 7,
 * PROTOCOL.certkeys). ed25519 alone: what Postern's own authority issues.
 */
import { CERTIFICATE_TYPE } from './certificate-signing.ts';
import { forServer, type HostKey, loadHostKey } from './host-key.ts';
import { type OwnerInternals, sendPayload } from './internals.ts';
import { Message } from './messages.ts';
import { message, WireReader, wireString } from './wire.ts';

export interface CertificatePair {
  /** OpenSSH's format; ed25519. */
  readonly privateKey: string;
  /** `ssh-ed25519-cert-v01@openssh.com BASE64`. */
  readonly certificate: string;
}

function holderOf(pair: CertificatePair): HostKey | undefined {
  try {
    return loadHostKey(pair.privateKey);
  } catch {
    return undefined;
  }
}

function blobOf(pair: CertificatePair): Buffer {
  return Buffer.from(pair.certificate.split(' ')[1] ?? '', 'base64');
}

/** What is wrong with the pair itself, before anything is dialled. */
export function certificateProblem(pair: CertificatePair): string | undefined {
  const holder = holderOf(pair);
  if (!holder) return 'the private key cannot be read';
  const reader = new WireReader(blobOf(pair), 0);
  if (reader.text() !== CERTIFICATE_TYPE) return 'not an ed25519 certificate';
  reader.string();
  const key = reader.string();
  return key?.equals(holder.blob.subarray(-32)) ? undefined : 'the certificate is of another key';
}

/** Makes this connection log in with the certificate when ssh2 comes to log in with the key. */
export function presentCertificate(client: OwnerInternals, pair: CertificatePair): void {
  const { _protocol: protocol } = client;
  const holder = loadHostKey(pair.privateKey);
  protocol.authPK = (username) => {
    const sessionId = protocol._kex?.sessionID;
    if (sessionId === undefined) throw new Error('authentication before the key exchange');
    const request = message(
      Message.UserauthRequest,
      wireString(username),
      wireString('ssh-connection'),
      wireString('publickey'),
      Uint8Array.of(1),
      wireString(CERTIFICATE_TYPE),
      wireString(blobOf(pair)),
    );
    const signature = forServer(holder).sign(Buffer.concat([wireString(sessionId), request]));
    if (signature instanceof Error) throw signature;
    const signed = Buffer.concat([wireString(holder.algorithm), wireString(signature)]);
    // Signed at once: there is one certificate, so asking first whether it would do gains nothing.
    protocol._authsQueue.push('publickey');
    sendPayload(protocol, Buffer.concat([request, wireString(signed)]));
  };
}
