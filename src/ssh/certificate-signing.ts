/** User certificates as OpenSSH has them (PROTOCOL.certkeys), made and signed here: ed25519 alone. */
import { randomBytes } from 'node:crypto';
import type {
  CertificateAuthority,
  CertificateRequest,
  IssuedCertificate,
} from '../domain/certificate-authority.ts';
import { forServer, generateHostKey, type HostKey, loadHostKey } from './host-key.ts';
import { uint32, uint64, wireString } from './wire.ts';

/** A certificate is valid from so long before it is made: clocks differ. Seconds. */
export const VALID_BEFORE_NOW = 60;
/** And so long after: time enough to log in with, of little use to a thief. Seconds. */
export const VALID_AFTER_NOW = 300;

export const CERTIFICATE_TYPE = 'ssh-ed25519-cert-v01@openssh.com';
const USER = 1;
const NONCE_BYTES = 32;
const MAX_KEY_ID = 255;

/** Signs user certificates with an ed25519 key that machines trust. */
export class KeyCertificateAuthority implements CertificateAuthority {
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

  /** Throws RangeError when the key id or the login is not fit for a certificate. */
  issue(request: CertificateRequest): IssuedCertificate {
    const { keyId, login, permits } = request;
    // An empty list of principals would be a certificate for every account.
    if (login === '') throw new RangeError('a certificate needs a login');
    if (!/^[\x20-\x7e]+$/.test(keyId) || keyId.length > MAX_KEY_ID) {
      throw new RangeError(`a key id is 1 to ${MAX_KEY_ID} printable characters`);
    }
    const pair = generateHostKey();
    const holder = loadHostKey(pair.privatePem);
    const now = Math.floor(this.#clock().getTime() / 1000);
    const unsigned = Buffer.concat([
      wireString(CERTIFICATE_TYPE),
      wireString(randomBytes(NONCE_BYTES)),
      wireString(holder.blob.subarray(-32)),
      uint64(randomBytes(8).readBigUInt64BE()),
      uint32(USER),
      wireString(keyId),
      wireString(wireString(login)),
      uint64(BigInt(now - VALID_BEFORE_NOW)),
      uint64(BigInt(now + VALID_AFTER_NOW)),
      wireString(''),
      wireString(
        Buffer.concat(sorted(permits).flatMap((one) => [wireString(one), wireString('')])),
      ),
      wireString(''),
      wireString(this.#key.blob),
    ]);
    const blob = Buffer.concat([unsigned, wireString(this.#signed(unsigned))]);
    return {
      privateKey: pair.privatePem,
      certificate: `${CERTIFICATE_TYPE} ${blob.toString('base64')}`,
    };
  }

  #signed(data: Buffer): Buffer {
    const signature = forServer(this.#key).sign(data);
    if (signature instanceof Error) throw signature;
    return Buffer.concat([wireString(this.#key.algorithm), wireString(signature)]);
  }
}

/** Extensions stand in the order of their bytes, each once. */
function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted((a, b) => (a < b ? -1 : 1));
}
