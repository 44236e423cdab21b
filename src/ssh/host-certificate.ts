/**
 * A host key that is shown with a certificate to clients that ask for one, and plain to all others.
 * ssh2's Server takes for a host key whatever looks like one of its own: with the certificate's type
 * and the certificate as its public half, that is what it offers, agrees on and shows. It is wrong in
 * one thing: it names the signature after the certificate, where clients want the name of the plain
 * key (RFC 4253 section 8; PROTOCOL.certkeys).
 */
import type { ParsedKey } from 'ssh2';
import { CERTIFICATE_TYPE } from './certificate-signing.ts';
import { forServer, type HostKey, loadHostKey } from './host-key.ts';
import type { ProtocolInternals } from './internals.ts';
import { WireReader } from './wire.ts';

export interface CertifiedHostKey {
  readonly hostKey: HostKey;
  /** As it goes over the wire. */
  readonly certificate: Buffer;
}

/**
 * Reads an ed25519 host key and a certificate of it, `ssh-ed25519-cert-v01@openssh.com BASE64`;
 * throws an Error that does not repeat the key when the two do not go together.
 */
export function loadCertifiedHostKey(openssh: string, line: string): CertifiedHostKey {
  const hostKey = loadHostKey(openssh);
  const certificate = Buffer.from(line.split(' ')[1] ?? '', 'base64');
  const reader = new WireReader(certificate, 0);
  const type = reader.text();
  reader.string();
  const key = reader.string();
  if (type !== CERTIFICATE_TYPE || !key?.equals(hostKey.blob.subarray(-key.length))) {
    throw new Error('The certificate is not one of the host key.');
  }
  return { hostKey, certificate };
}

/**
 * The forms in which ssh2's Server takes the key. The plain one stands first, which only decides
 * about first guesses (RFC 4253 section 7.1): the choice is the client's.
 */
export function bothForServer({ hostKey, certificate }: CertifiedHostKey): readonly ParsedKey[] {
  const plain = forServer(hostKey);
  const certified: ParsedKey = Object.create(plain, {
    type: { value: CERTIFICATE_TYPE },
    getPublicSSH: { value: () => certificate },
  });
  return [plain, certified];
}

/** Puts the signature's name right in the exchange that ssh2 has just begun. */
export function nameSignature({ _server, _kex: kex }: ProtocolInternals): void {
  if (!_server || kex?.negotiated.serverHostKey !== CERTIFICATE_TYPE) return;
  const { negotiated, finish } = kex;
  // By now ssh2 has taken the key by the certificate's name, and writes its answer in this turn.
  kex.finish = (...args) => {
    negotiated.serverHostKey = 'ssh-ed25519';
    try {
      return finish.apply(kex, args);
    } finally {
      negotiated.serverHostKey = CERTIFICATE_TYPE;
    }
  };
}
