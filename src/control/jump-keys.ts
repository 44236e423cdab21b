import { createPrivateKey, createPublicKey, hkdfSync, randomBytes } from 'node:crypto';
import type { HostCertificateAuthority } from '../domain/certificate-authority.ts';
import { principalsOf } from '../domain/known-host.ts';
import type { Machine } from '../domain/machine.ts';

const ALGORITHM = 'ssh-ed25519';
const SEED_BYTES = 32;
/** RFC 8410 section 7: what stands before the seed in the DER of an Ed25519 private key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A host key that Postern presents for a machine. */
export interface JumpHostKey {
  /** OpenSSH private key text. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…`, as in known_hosts. */
  readonly publicLine: string;
}

/** What a connection to a machine through `ssh -J` is answered with. */
export interface JumpIdentity {
  /** OpenSSH private key text. */
  readonly hostKey: string;
  /** `ssh-ed25519-cert-v01@openssh.com BASE64` */
  readonly certificate: string;
}

/** The text of the file that all the keys come from. */
export function newJumpSecret(): string {
  return `${randomBytes(SEED_BYTES).toString('base64')}\n`;
}

/**
 * The host keys with which Postern answers for machines (`ssh -J`), each derived from one secret and
 * the machine's number: the same after every start, without a row for each. One authority vouches for
 * all of them.
 */
export class JumpKeys {
  readonly authority: HostCertificateAuthority;
  readonly #secret: Buffer;

  /** `secret` as `newJumpSecret` makes it; throws when it is not. */
  constructor(secret: string, authority: HostCertificateAuthority) {
    this.authority = authority;
    this.#secret = Buffer.from(secret.trim(), 'base64');
    if (this.#secret.length !== SEED_BYTES) {
      throw new Error('the secret of the jump host keys is not 32 bytes in base64');
    }
  }

  of(machineId: number): JumpHostKey {
    for (let attempt = 0; ; attempt += 1) {
      const info = `postern jump host key ${machineId} ${attempt}`;
      const seed = Buffer.from(hkdfSync('sha256', this.#secret, '', info, SEED_BYTES));
      const raw = publicHalf(seed);
      // ssh2 strips leading zero bytes of public keys.
      if (raw[0] !== 0) return { privateKey: privateText(seed, raw), publicLine: lineOf(raw) };
    }
  }

  /** The certificate is made anew each time: names change, and it need not be valid for long. */
  identity(machine: Pick<Machine, 'id' | 'name' | 'host' | 'port'>): JumpIdentity {
    const { privateKey, publicLine } = this.of(machine.id);
    const keyId = `postern:${machine.name}`;
    const names = principalsOf(machine);
    const certificate = this.authority.issue({ keyId, publicLine, names });
    return { hostKey: privateKey, certificate };
  }
}

function publicHalf(seed: Buffer): Buffer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return spki.subarray(-SEED_BYTES);
}

function sized(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function blobOf(raw: Buffer): Buffer {
  return Buffer.concat([sized(ALGORITHM), sized(raw)]);
}

function lineOf(raw: Buffer): string {
  return `${ALGORITHM} ${blobOf(raw).toString('base64')}`;
}

/** OpenSSH's PROTOCOL.key, without encryption. */
function privateText(seed: Buffer, raw: Buffer): string {
  const one = Buffer.from([0, 0, 0, 1]);
  const check = Buffer.alloc(8);
  const fields = [check, blobOf(raw), sized(Buffer.concat([seed, raw])), sized('')];
  const secret = Buffer.concat(fields);
  const padding = Buffer.from(Array.from({ length: -secret.length & 7 }, (_, at) => at + 1));
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[sized('none'), sized('none'), sized(''), one],
    sized(blobOf(raw)),
    sized(Buffer.concat([secret, padding])),
  ]);
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? [];
  const edge = (word: string): string => `-----${word} OPENSSH PRIVATE KEY-----`;
  return `${[edge('BEGIN'), ...lines, edge('END')].join('\n')}\n`;
}
