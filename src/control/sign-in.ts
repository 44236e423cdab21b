import { createHash } from 'node:crypto';
import type { Guesser } from '../domain/attempts.ts';
import type { AuditDetail } from '../domain/audit.ts';
import type { CertificateFacts, CertificateProof, RevocationStore } from '../domain/certificate.ts';
import type {
  ConnectionFacts,
  Credential,
  RejectionReason,
  SignedIn,
} from '../domain/control-plane.ts';
import type { GuessLimit } from '../domain/guess-limit.ts';
import { type Logger, printable } from '../domain/log.ts';
import type { Passwords } from '../domain/password.ts';
import type { Account, Standing } from '../domain/standing.ts';
import type { UserStore } from '../domain/user.ts';
import { type Certificates, stillCertified } from './certificates.ts';

/** What a first factor is worth by itself; `detail` is for the audit. */
export type Verdict =
  | { readonly outcome: 'accepted'; readonly user: SignedIn; readonly detail: AuditDetail }
  | { readonly outcome: 'acceptable' }
  | { readonly outcome: 'rejected'; readonly reason: RejectionReason };

export interface SignInDeps {
  readonly users: UserStore;
  readonly passwords: Passwords;
  readonly guesses: GuessLimit;
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
  readonly #guesses: GuessLimit;
  readonly #certificates: Certificates;
  readonly #revocations: RevocationStore;
  readonly #log: Logger;

  constructor(deps: SignInDeps) {
    this.#users = deps.users;
    this.#passwords = deps.passwords;
    this.#guesses = deps.guesses;
    this.#certificates = deps.certificates;
    this.#revocations = deps.revocations;
    this.#log = deps.log;
  }

  async check(userName: string, credential: Credential, facts: ConnectionFacts): Promise<Verdict> {
    const found = await this.#users.getByName(userName);
    const account = found === null || found.disabled ? null : found;
    const user =
      account === null ? null : { userId: account.id, userName: account.name, proof: null };
    switch (credential.type) {
      case 'password':
        return this.#password(user, credential.password, {
          name: userName,
          address: facts.sourceAddress,
        });
      case 'publickey':
        return this.#publicKey(user, credential);
      case 'certificate':
        return this.#certificate(user, userName, credential, facts);
      default:
        return credential satisfies never;
    }
  }

  async #password(user: SignedIn | null, password: string, guesser: Guesser): Promise<Verdict> {
    const guess = await this.#guesses.attempt(guesser, async () => {
      const hash = await this.#users.passwordHash(user?.userId ?? 0);
      const right = await this.#passwords.verify(password, hash);
      return user === null || hash === null || !right ? null : { user, stamp: stampOf(hash) };
    });
    if (guess.outcome !== 'right') {
      return rejected(guess.outcome === 'wrong' ? 'password' : 'penalty');
    }
    const { user: known, stamp } = guess.found;
    return accepted({ ...known, proof: { type: 'password', stamp } }, { method: 'password' });
  }

  async #publicKey(
    user: SignedIn | null,
    credential: Extract<Credential, { type: 'publickey' }>,
  ): Promise<Verdict> {
    const keys = await this.#users.keys(user?.userId ?? 0);
    const key = keys.find(({ blob }) => blob === credential.blob);
    const fingerprints = [fingerprintOf(credential.blob)];
    const revoked = await this.#revocations.covers({ fingerprints, certificate: null });
    if (user === null || key === undefined || revoked) return rejected('publickey');
    if (!credential.proven) return { outcome: 'acceptable' };
    await this.#users.keyUsed(key.id, new Date());
    const proof = { type: 'publickey', keyId: key.id } as const;
    return accepted({ ...user, proof }, { method: 'publickey', fingerprint: key.fingerprint });
  }

  async #certificate(
    user: SignedIn | null,
    userName: string,
    credential: Extract<Credential, { type: 'certificate' }>,
    facts: ConnectionFacts,
  ): Promise<Verdict> {
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
      return rejected('certificate');
    }
    if (user === null) return rejected('certificate');
    if (!credential.proven) return { outcome: 'acceptable' };
    const proof = { type: 'certificate', certificate: proofOf(credential.certificate) } as const;
    return accepted(
      { ...user, proof, certificate: verdict.terms },
      {
        method: 'certificate',
        fingerprint: keyFingerprint,
        authority: verdict.authority,
        ...about,
      },
    );
  }
}

function accepted(user: SignedIn, detail: AuditDetail): Verdict {
  return { outcome: 'accepted', user, detail };
}

function rejected(reason: RejectionReason): Verdict {
  return { outcome: 'rejected', reason };
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
