/**
 * Certificates as OpenSSH has them (PROTOCOL.certkeys), made and signed here: ed25519 alone. Of
 * users, with which Postern logs in to machines, and of hosts, for the keys that it presents.
 */
import { randomBytes } from 'node:crypto';
import type {
  CertificateAuthority,
  CertificateRequest,
  HostCertificateAuthority,
  HostCertificateRequest,
  IssuedCertificate,
} from '../domain/certificate-authority.ts';
import { generateHostKey, type HostKey, loadHostKey, signAs } from './host-key.ts';
import { uint32, uint64, WireReader, wireString } from './wire.ts';

/** A user certificate is valid from so long before it is made: clocks differ. Seconds. */
export const VALID_BEFORE_NOW = 60;
/** And so long after: time enough to log in with, of little use to a thief. Seconds. */
export const VALID_AFTER_NOW = 300;
/**
 * A host certificate is valid so long before and after it is made, in seconds. It is made for one
 * connection, and worthless without the key; a client's clock may be off by its time zone.
 */
export const HOST_VALID_AROUND_NOW = 86_400;

export const CERTIFICATE_TYPE = 'ssh-ed25519-cert-v01@openssh.com';
const KINDS = { user: 1, host: 2 } as const;
const NONCE_BYTES = 32;
const KEY_BYTES = 32;
const MAX_KEY_ID = 255;

/** What a certificate says; the times in seconds since 1970. */
interface Statement {
  readonly kind: keyof typeof KINDS;
  /** The raw public key of who is certified. */
  readonly holder: Buffer;
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly from: number;
  readonly until: number;
  readonly extensions: readonly string[];
}

/** An authority's key, and what it does alike for users and for hosts. */
class SigningKey {
  readonly publicLine: string;
  readonly fingerprint: string;
  readonly #key: HostKey;
  readonly #clock: () => Date;

  /** Throws as `loadHostKey` does when the text is no private key; `clock` for tests. */
  constructor(privateKey: string, clock: () => Date = () => new Date()) {
    this.#key = loadHostKey(privateKey);
    this.publicLine = this.#key.publicLine;
    this.fingerprint = this.#key.fingerprint;
    this.#clock = clock;
  }

  /** Seconds since 1970. */
  protected now(): number {
    return Math.floor(this.#clock().getTime() / 1000);
  }

  /** The certificate's line. Throws RangeError when what it says is not fit for a certificate. */
  protected signed(statement: Statement): string {
    const { keyId, principals, extensions } = statement;
    // An empty list of principals would be a certificate for every account, or every host.
    if (principals.length === 0 || principals.includes('')) {
      throw new RangeError('a certificate needs somebody that it is for');
    }
    if (!/^[\x20-\x7e]+$/.test(keyId) || keyId.length > MAX_KEY_ID) {
      throw new RangeError(`a key id is 1 to ${MAX_KEY_ID} printable characters`);
    }
    const unsigned = Buffer.concat([
      wireString(CERTIFICATE_TYPE),
      wireString(randomBytes(NONCE_BYTES)),
      wireString(statement.holder),
      uint64(randomBytes(8).readBigUInt64BE()),
      uint32(KINDS[statement.kind]),
      wireString(keyId),
      wireString(Buffer.concat(principals.map(wireString))),
      uint64(BigInt(statement.from)),
      uint64(BigInt(statement.until)),
      wireString(''),
      wireString(
        Buffer.concat(sorted(extensions).flatMap((one) => [wireString(one), wireString('')])),
      ),
      wireString(''),
      wireString(this.#key.blob),
    ]);
    const signature = [this.#key.algorithm, signAs(this.#key, unsigned)].map(wireString);
    const blob = Buffer.concat([unsigned, wireString(Buffer.concat(signature))]);
    return `${CERTIFICATE_TYPE} ${blob.toString('base64')}`;
  }
}

/** Signs user certificates with an ed25519 key that machines trust. */
export class KeyCertificateAuthority extends SigningKey implements CertificateAuthority {
  /** Throws RangeError when the key id or the login is not fit for a certificate. */
  issue({ keyId, login, permits }: CertificateRequest): IssuedCertificate {
    const { privatePem: privateKey } = generateHostKey();
    const now = this.now();
    const certificate = this.signed({
      kind: 'user',
      holder: rawKey(loadHostKey(privateKey).blob),
      keyId,
      principals: [login],
      from: now - VALID_BEFORE_NOW,
      until: now + VALID_AFTER_NOW,
      extensions: permits,
    });
    return { privateKey, certificate };
  }
}

/** Signs host certificates with an ed25519 key that users trust (`@cert-authority`). */
export class KeyHostAuthority extends SigningKey implements HostCertificateAuthority {
  /** Throws RangeError when the key id, the names or the host's key are not fit for a certificate. */
  issue({ keyId, publicLine, names }: HostCertificateRequest): string {
    const now = this.now();
    return this.signed({
      kind: 'host',
      holder: rawKey(Buffer.from(publicLine.split(' ')[1] ?? '', 'base64')),
      keyId,
      principals: names,
      from: now - HOST_VALID_AROUND_NOW,
      until: now + HOST_VALID_AROUND_NOW,
      extensions: [],
    });
  }
}

/** RFC 8709 section 4: string "ssh-ed25519", string of 32 bytes. */
function rawKey(blob: Buffer): Buffer {
  const reader = new WireReader(blob, 0);
  const [type, key] = [reader.text(), reader.string()];
  if (type !== 'ssh-ed25519' || key?.length !== KEY_BYTES) {
    throw new RangeError('only ed25519 keys are certified');
  }
  return key;
}

/** Extensions stand in the order of their bytes, each once. */
function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted((a, b) => (a < b ? -1 : 1));
}
