import { createHash } from 'node:crypto';
import type { CertificateFacts, CertificateProof, RevocationStore } from '../domain/certificate.ts';
import type {
  AuthenticationAnswer,
  ConnectionFacts,
  Credential,
  SignedIn,
} from '../domain/control-plane.ts';
import { type Logger, printable } from '../domain/log.ts';
import type { Passwords } from '../domain/password.ts';
import type { Account, Standing } from '../domain/standing.ts';
import type { UserStore } from '../domain/user.ts';
import { type Certificates, stillCertified } from './certificates.ts';
import type { Journal } from './journal.ts';

const REJECTED: AuthenticationAnswer = { outcome: 'rejected' };

export interface SignInDeps {
  readonly users: UserStore;
  readonly passwords: Passwords;
  readonly journal: Journal;
  readonly certificates: Certificates;
  readonly revocations: RevocationStore;
  readonly log: Logger;
}

/**
 * Whether a credential is this user's. Unknown and disabled users cost the same queries and the same
 * hashing as others and get the same answer (CVE-2018-15473).
 */
export class SignIn {
  readonly #users: UserStore;
  readonly #passwords: Passwords;
  readonly #journal: Journal;
  readonly #certificates: Certificates;
  readonly #revocations: RevocationStore;
  readonly #log: Logger;

  constructor(deps: SignInDeps) {
    this.#users = deps.users;
    this.#passwords = deps.passwords;
    this.#journal = deps.journal;
    this.#certificates = deps.certificates;
    this.#revocations = deps.revocations;
    this.#log = deps.log;
  }

  async check(
    userName: string,
    credential: Credential,
    facts: ConnectionFacts,
  ): Promise<AuthenticationAnswer> {
    const found = await this.#users.getByName(userName);
    const account = found === null || found.disabled ? null : found;
    const user =
      account === null ? null : { userId: account.id, userName: account.name, proof: null };
    switch (credential.type) {
      case 'password':
        return this.#password(user, credential.password, facts);
      case 'publickey':
        return this.#publicKey(user, credential, facts);
      case 'certificate':
        return this.#certificate(user, userName, credential, facts);
      default:
        return credential satisfies never;
    }
  }

  async #password(
    user: SignedIn | null,
    password: string,
    facts: ConnectionFacts,
  ): Promise<AuthenticationAnswer> {
    const hash = await this.#users.passwordHash(user?.userId ?? 0);
    const right = await this.#passwords.verify(password, hash);
    if (user === null || !right || hash === null) return REJECTED;
    const proof = { type: 'password', stamp: stampOf(hash) } as const;
    return this.#accept({ ...user, proof }, facts, { method: 'password' });
  }

  async #publicKey(
    user: SignedIn | null,
    credential: Extract<Credential, { type: 'publickey' }>,
    facts: ConnectionFacts,
  ): Promise<AuthenticationAnswer> {
    const keys = await this.#users.keys(user?.userId ?? 0);
    const key = keys.find(({ blob }) => blob === credential.blob);
    const fingerprints = [fingerprintOf(credential.blob)];
    const revoked = await this.#revocations.covers({ fingerprints, certificate: null });
    if (user === null || key === undefined || revoked) return REJECTED;
    if (!credential.proven) return { outcome: 'acceptable' };
    await this.#users.keyUsed(key.id, new Date());
    const proof = { type: 'publickey', keyId: key.id } as const;
    const detail = { method: 'publickey', fingerprint: key.fingerprint };
    return this.#accept({ ...user, proof }, facts, detail);
  }

  async #certificate(
    user: SignedIn | null,
    userName: string,
    credential: Extract<Credential, { type: 'certificate' }>,
    facts: ConnectionFacts,
  ): Promise<AuthenticationAnswer> {
    const verdict = await this.#certificates.judge(userName, credential, facts.sourceAddress);
    const { keyId, serial, keyFingerprint } = credential.certificate;
    const about = { key_id: printable(keyId, 200), serial };
    if (!verdict.good) {
      // Of authorities that nobody here knows anyone could fill the log.
      if (verdict.because !== null) {
        const name = printable(userName, 64);
        this.#log.info('a certificate was refused', {
          user: name,
          ...about,
          reason: verdict.because,
        });
      }
      return REJECTED;
    }
    if (user === null) return REJECTED;
    if (!credential.proven) return { outcome: 'acceptable' };
    const proof = { type: 'certificate', certificate: proofOf(credential.certificate) } as const;
    return this.#accept({ ...user, proof, certificate: verdict.terms }, facts, {
      method: 'certificate',
      fingerprint: keyFingerprint,
      authority: verdict.authority,
      ...about,
    });
  }

  #accept(
    user: SignedIn,
    facts: ConnectionFacts,
    detail: Readonly<Record<string, string>>,
  ): AuthenticationAnswer {
    void this.#journal.note('auth.succeeded', {
      user,
      userName: user.userName,
      machineId: null,
      sessionId: null,
      facts,
      detail,
    });
    return { outcome: 'accepted', user };
  }
}

function proofOf(certificate: CertificateFacts): CertificateProof {
  const { serial, keyId, principals, keyFingerprint, authority } = certificate;
  return { serial, keyId, principals, keyFingerprint, authority };
}

/** As the database makes `Account.passwordStamp`: no secret, and another with each new hash. */
function stampOf(hash: string): string {
  return createHash('sha256').update(hash).digest('hex');
}

/** Whether what a user signed in with would be accepted now. */
export function stillProves(
  { proof, userName }: SignedIn,
  account: Account,
  standing: Pick<Standing, 'authorities' | 'revoked'>,
): boolean {
  if (proof === null) return true;
  switch (proof.type) {
    case 'publickey':
      return account.keyIds.includes(proof.keyId);
    case 'password':
      return account.passwordStamp === proof.stamp;
    case 'certificate':
      return stillCertified(proof.certificate, userName, standing);
    default:
      return proof satisfies never;
  }
}

function fingerprintOf(blob: string): string {
  const digest = createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}
