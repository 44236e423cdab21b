import type {
  AuthenticationAnswer,
  ConnectionFacts,
  Credential,
  SignedIn,
} from '../domain/control-plane.ts';
import type { Passwords } from '../domain/password.ts';
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
    const user = account === null ? null : { userId: account.id, userName: account.name };
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
    if (user === null || !right) return REJECTED;
    return this.#accept(user, facts, { method: 'password' });
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
    return this.#accept(user, facts, { method: 'publickey', fingerprint: key.fingerprint });
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
