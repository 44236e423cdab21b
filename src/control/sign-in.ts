import { createHash } from 'node:crypto';
import type {
  AuthenticationAnswer,
  ConnectionFacts,
  Credential,
  SignedIn,
  SignInProof,
} from '../domain/control-plane.ts';
import type { Passwords } from '../domain/password.ts';
import type { Account } from '../domain/standing.ts';
import type { UserStore } from '../domain/user.ts';
import type { Journal } from './journal.ts';

const REJECTED: AuthenticationAnswer = { outcome: 'rejected' };

/**
 * Whether a credential is this user's. Unknown and disabled users cost the same queries and the same
 * hashing as others and get the same answer (CVE-2018-15473).
 */
export class SignIn {
  readonly #users: UserStore;
  readonly #passwords: Passwords;
  readonly #journal: Journal;

  constructor(users: UserStore, passwords: Passwords, journal: Journal) {
    this.#users = users;
    this.#passwords = passwords;
    this.#journal = journal;
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
    return credential.type === 'password'
      ? this.#password(user, credential.password, facts)
      : this.#publicKey(user, credential, facts);
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
    if (user === null || key === undefined) return REJECTED;
    if (!credential.proven) return { outcome: 'acceptable' };
    await this.#users.keyUsed(key.id, new Date());
    const proof = { type: 'publickey', keyId: key.id } as const;
    const detail = { method: 'publickey', fingerprint: key.fingerprint };
    return this.#accept({ ...user, proof }, facts, detail);
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

/** As the database makes `Account.passwordStamp`: no secret, and another with each new hash. */
function stampOf(hash: string): string {
  return createHash('sha256').update(hash).digest('hex');
}

/** Whether what a user signed in with would be accepted now. */
export function stillProves(proof: SignInProof | null, account: Account): boolean {
  if (proof === null) return true;
  switch (proof.type) {
    case 'publickey':
      return account.keyIds.includes(proof.keyId);
    case 'password':
      return account.passwordStamp === proof.stamp;
    default:
      return proof satisfies never;
  }
}
