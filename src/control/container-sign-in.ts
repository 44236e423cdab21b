import { timingSafeEqual } from 'node:crypto';
import {
  type ContainerSession,
  containerUserName,
  parseContainerUserName,
} from '../domain/container-session.ts';
import type { ConnectionFacts, Credential, SignedIn } from '../domain/control-plane.ts';
import type { GuessLimit } from '../domain/guess-limit.ts';
import type { Stores } from '../domain/store.ts';
import type { SignIn, Verdict } from './sign-in.ts';

interface ContainerSignInDeps {
  readonly stores: Pick<Stores, 'containerSessions' | 'users'>;
  readonly guesses: GuessLimit;
  readonly signIn: SignIn;
}

/** What has come to sign in for: a session, and the machine that it is on. */
interface Found {
  readonly session: ContainerSession;
  readonly owner: SignedIn;
}

/**
 * Who comes as `cs-123-x7k2…`: the owner of that session, with a key or certificate of theirs, or with the
 * session's own password, where it has one. Nobody once it has its user, or has ended.
 */
export class ContainerSignIn {
  readonly #deps: ContainerSignInDeps;

  constructor(deps: ContainerSignInDeps) {
    this.#deps = deps;
  }

  /** Null: this is no such name; the user of that name is meant. */
  async check(
    userName: string,
    credential: Credential,
    facts: ConnectionFacts,
  ): Promise<(Verdict & { readonly machine: string | null }) | null> {
    const found = await this.#found(userName);
    if (found === null) return null;
    const { session, owner } = found;
    const verdict =
      credential.type === 'password'
        ? await this.#password(found, credential.password, facts)
        : await this.#deps.signIn.check(owner.userName, credential, facts);
    const machine = session.session.machineName;
    if (verdict.outcome !== 'accepted') return { ...verdict, machine };
    const user = { ...verdict.user, containerSession: session.session.id };
    const detail = { ...verdict.detail, container_session: session.session.id };
    return { ...verdict, user, detail, machine };
  }

  async #found(userName: string): Promise<Found | null> {
    const parsed = parseContainerUserName(userName);
    if (parsed === null) return null;
    const { containerSessions, users } = this.#deps.stores;
    const session = await containerSessions.get(parsed.sessionId);
    if (session === null || containerUserName(session) !== userName) return null;
    const { userId, status } = session.session;
    if (userId === null || status !== 'active' || session.joinedAt !== null) return null;
    // Also before somebody has ended it.
    if (session.expiresAt <= new Date() || !session.isTokenGood) return null;
    const account = await users.get(userId);
    if (account === null || account.disabled) return null;
    return { session, owner: { userId, userName: account.name, proof: null } };
  }

  async #password(
    { session, owner }: Found,
    given: string,
    facts: ConnectionFacts,
  ): Promise<Verdict> {
    const guesser = { name: containerUserName(session), address: facts.sourceAddress };
    const guess = await this.#deps.guesses.attempt(guesser, async () => {
      const password = await this.#deps.stores.containerSessions.password(session.session.id);
      return password !== null && same(password.expose(), given) ? true : null;
    });
    if (guess.outcome !== 'right') {
      return { outcome: 'rejected', reason: guess.outcome === 'wrong' ? 'password' : 'penalty' };
    }
    return { outcome: 'accepted', user: owner, detail: { method: 'one_time_password' } };
  }
}

function same(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
