import type { AuditDetail, AuditType } from '../domain/audit.ts';
import { type AuditStates, ENROLMENT } from '../domain/audit-state.ts';
import type {
  AuthenticationAnswer,
  CodeAnswer,
  ConnectionFacts,
  Credential,
  SignedIn,
  Wanted,
} from '../domain/control-plane.ts';
import type { Enrolment } from '../domain/factor.ts';
import type { GuessLimit } from '../domain/guess-limit.ts';
import type { Logger } from '../domain/log.ts';
import type { Passwords } from '../domain/password.ts';
import type { Stores } from '../domain/store.ts';
import { Certificates } from './certificates.ts';
import { ContainerSignIn } from './container-sign-in.ts';
import type { Journal } from './journal.ts';
import type { SecondFactor } from './second-factor.ts';
import { SignIn } from './sign-in.ts';

const NOTHING_NAMED: Wanted = { machine: null, login: null };

interface AuthenticatorDeps {
  readonly stores: Pick<Stores, 'users' | 'authorities' | 'revocations' | 'containerSessions'>;
  readonly passwords: Passwords;
  readonly factors: SecondFactor;
  readonly guesses: GuessLimit;
  readonly journal: Journal;
  readonly log: Logger;
}

/** First factor, then what else is demanded; only when all was right is it a success in the audit. */
export class Authenticator {
  readonly #deps: AuthenticatorDeps;
  readonly #signIn: SignIn;
  readonly #containers: ContainerSignIn;

  constructor(deps: AuthenticatorDeps) {
    this.#deps = deps;
    const { users, revocations } = deps.stores;
    const certificates = new Certificates(deps.stores);
    this.#signIn = new SignIn({ ...deps, users, revocations, certificates });
    this.#containers = new ContainerSignIn({ ...deps, signIn: this.#signIn });
  }

  async first(
    userName: string,
    credential: Credential,
    facts: ConnectionFacts,
    wanted: Wanted = NOTHING_NAMED,
  ): Promise<AuthenticationAnswer> {
    const container = await this.#containers.check(userName, credential, facts);
    const verdict = container ?? (await this.#signIn.check(userName, credential, facts));
    if (verdict.outcome === 'acceptable') return { outcome: 'acceptable' };
    if (verdict.outcome === 'rejected') return { outcome: 'rejected', reason: verdict.reason };
    const { user, detail } = verdict;
    const machine = container?.machine ?? wanted.machine;
    const need = await this.#deps.factors.need(user, { ...wanted, machine });
    if (need !== 'none') return { outcome: 'partial', user, need };
    if (credential.type === 'password') {
      await this.#deps.guesses.succeeded({ name: userName, address: facts.sourceAddress });
    }
    this.#note('auth.succeeded', user, facts, detail);
    return { outcome: 'accepted', user };
  }

  beginEnrolment(user: SignedIn): Promise<Enrolment> {
    return this.#deps.factors.begin(user);
  }

  async second(user: SignedIn, code: string, facts: ConnectionFacts): Promise<CodeAnswer> {
    const verdict = await this.#deps.factors.check(user, code, facts.sourceAddress);
    if (verdict.outcome === 'wrong') return { outcome: 'wrong', reason: verdict.reason };
    const { method, enrolled, recoveryCodes } = verdict;
    if (method === 'enrolment') this.#note('totp.enrolled', user, facts, {}, ENROLMENT);
    if (method === 'recovery_code') this.#note('totp.recovery_used', user, facts, {});
    const detail = { method: user.proof?.type ?? null, second_factor: method };
    this.#note('auth.succeeded', user, facts, detail);
    return { outcome: 'right', user: { ...user, secondFactor: enrolled }, recoveryCodes };
  }

  #note(
    type: AuditType,
    user: SignedIn,
    facts: ConnectionFacts,
    detail: AuditDetail,
    states: AuditStates = {},
  ): void {
    const { userName } = user;
    const about = { user, userName, machineId: null, sessionId: null, facts, detail, states };
    void this.#deps.journal.note(type, about);
  }
}
