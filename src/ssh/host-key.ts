import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';

/** An ed25519 host key, ready to sign. */
export interface HostKey {
  readonly algorithm: 'ssh-ed25519';
  /** `ssh-ed25519 AAAA...`, as in known_hosts, without a comment. */
  readonly publicLine: string;
  /** The public key as it goes over the wire (RFC 8709 section 4). */
  readonly blob: Buffer;
  /** `SHA256:...`, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
}

const ALGORITHM = 'ssh-ed25519';
/** string "ssh-ed25519", string of 32 bytes. */
const BLOB_BYTES = 51;

const parsedKeys = new WeakMap<HostKey, ParsedKey>();

/** Makes a key, private half in OpenSSH's format, to be kept where nobody else reads it (mode 0600). */
export function generateHostKey(): { privatePem: string; publicLine: string } {
  for (;;) {
    const { private: privatePem } = ssh2.utils.generateKeyPairSync('ed25519');
    // ssh2 strips leading zero bytes of public keys: one key in 256 comes out broken.
    const key = parse(privatePem);
    if (key && key.getPublicSSH().length === BLOB_BYTES) {
      return { privatePem, publicLine: publicLine(key.getPublicSSH()) };
    }
  }
}

/** Reads an unencrypted ed25519 private key; throws an Error that does not repeat the text. */
export function loadHostKey(openssh: string): HostKey {
  const parsed = parse(openssh);
  if (!parsed?.isPrivateKey())
    throw new Error('The host key is not a private key in OpenSSH format.');
  if (parsed.type !== ALGORITHM) throw new Error('The host key is not an ed25519 key.');
  const secret = createPrivateKey(parsed.getPrivatePEM());
  // ssh2 would read the PEM again for each handshake: a third of what a handshake costs.
  parsed.sign = signWith(secret);
  const blob = parsed.getPublicSSH();
  const key: HostKey = {
    algorithm: ALGORITHM,
    publicLine: publicLine(blob),
    blob,
    fingerprint: fingerprint(blob),
  };
  parsedKeys.set(key, parsed);
  return key;
}

/** `SHA256:` and the digest of a public key blob in unpadded base64. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The form in which ssh2's Server takes the key. */
export function forServer(key: HostKey): ParsedKey {
  const parsed = parsedKeys.get(key);
  if (!parsed) throw new Error('The host key was not made by loadHostKey.');
  return parsed;
}

/** The bare signature of `data` with the key. */
export function signAs(key: HostKey, data: Buffer): Buffer {
  const signature = forServer(key).sign(data);
  if (signature instanceof Error) throw signature;
  return signature;
}

function parse(openssh: string): ParsedKey | undefined {
  const parsed = ssh2.utils.parseKey(openssh);
  return parsed instanceof Error ? undefined : parsed;
}

function publicLine(blob: Buffer): string {
  return `${ALGORITHM} ${blob.toString('base64')}`;
}

function signWith(secret: KeyObject): ParsedKey['sign'] {
  return (data) => sign(null, Buffer.isBuffer(data) ? data : Buffer.from(data), secret);
}
