import type {
  AuthContext,
  AuthenticationType,
  KeyboardAuthContext,
  PublicKeyAuthContext,
} from 'ssh2';
import type {
  AuthenticationAnswer,
  ConnectionFacts,
  ControlPlane,
  Credential,
  RejectionReason,
  SignedIn,
} from '../domain/control-plane.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { MAX_PASSWORD } from '../domain/password.ts';
import { type Destination, parseUserName } from '../domain/user-name.ts';
import { credentialOf } from './key-proof.ts';
import { askPassword, askSecond, type Pending } from './prompts.ts';

/** What may be tried, in the order in which clients should. */
const METHODS: AuthenticationType[] = ['publickey', 'password', 'keyboard-interactive'];

/** What may be tried after a first factor that was right. */
const SECOND: AuthenticationType[] = ['keyboard-interactive'];

/** What the client is told; `gone`: it has begun something else, so nothing. */
type Ruling = 'accept' | 'reject' | 'partial' | 'gone';

export interface Authenticated {
  readonly user: SignedIn;
  readonly destination: Destination;
}

/** Who is at the other end of a connection. */
export interface Identity {
  /** Null until it is proved. */
  readonly result: Authenticated | null;
  /** Attempts with something to check, for the audit of a connection that never got in. */
  readonly failed: number;
  /** Why the last attempt failed, as far as that is known; for the audit alone. */
  readonly reason: RejectionReason | null;
  /** The user name of the last attempt, as it came. */
  readonly lastName: string;
  /** For the connection's 'authentication' event; answers the context once, and never throws. */
  handle(context: AuthContext): void;
}

/**
 * Who is at the other end (RFC 4252). One for each connection; the user comes only from a context
 * whose proof was checked here. Every refusal reads the same, whatever was wrong. A first factor that
 * is not enough is a partial success, as OpenSSH has it: from then on only the second is asked for,
 * of this user on this connection.
 */
export class Authentication implements Identity {
  readonly #control: ControlPlane;
  readonly #facts: () => ConnectionFacts;
  readonly #log: Logger;
  readonly #hangUp: (why: string) => void;
  #pending: Pending | null = null;
  #result: Authenticated | null = null;
  #failed = 0;
  #lastName: string | null = null;
  #reason: RejectionReason | null = null;

  /** `hangUp` ends the connection. */
  constructor(
    control: ControlPlane,
    facts: () => ConnectionFacts,
    log: Logger,
    hangUp: (why: string) => void,
  ) {
    this.#control = control;
    this.#facts = facts;
    this.#log = log;
    this.#hangUp = hangUp;
  }

  get result(): Authenticated | null {
    return this.#result;
  }

  get failed(): number {
    return this.#failed;
  }

  get lastName(): string {
    return this.#lastName ?? '';
  }

  get reason(): RejectionReason | null {
    return this.#reason;
  }

  handle(context: AuthContext): void {
    // As sshd: what was tried and proved belongs to one user.
    if (this.#lastName !== null && this.#lastName !== context.username) {
      this.#hangUp('the user name may not change');
      return;
    }
    this.#lastName = context.username;
    this.#judge(context).then(
      (ruling) => this.#answer(context, ruling),
      (error: unknown) => {
        this.#log.error('authentication could not be decided', { reason: reasonOf(error) });
        this.#answer(context, 'reject');
      },
    );
  }

  async #judge(context: AuthContext): Promise<Ruling> {
    if (context.method === 'none') return 'reject';
    const destination = parseUserName(context.username);
    if (this.#pending !== null && destination !== null) {
      return context.method === 'keyboard-interactive'
        ? this.#second(context, this.#pending, destination)
        : 'reject';
    }
    return this.#first(context, destination);
  }

  async #first(context: AuthContext, destination: Destination | null): Promise<Ruling> {
    const verdict = await this.#check(context, destination);
    if (verdict === null) return 'gone';
    if (verdict.outcome === 'acceptable') return destination === null ? 'reject' : 'accept';
    if (verdict.outcome === 'rejected' || destination === null) {
      return this.#fail(verdict.outcome === 'rejected' ? (verdict.reason ?? null) : null);
    }
    if (verdict.outcome === 'accepted') {
      this.#result = { user: verdict.user, destination };
      return 'accept';
    }
    this.#pending = { user: verdict.user, need: verdict.need, enrolment: null };
    // Who is being asked already is asked on: not every client begins the method a second time.
    return context.method === 'keyboard-interactive'
      ? this.#second(context, this.#pending, destination)
      : 'partial';
  }

  async #second(
    context: KeyboardAuthContext,
    pending: Pending,
    destination: Destination,
  ): Promise<Ruling> {
    const second = await askSecond(context, pending, this.#control, this.#facts());
    if (second.outcome === 'gone') return 'gone';
    if (second.outcome === 'wrong') return this.#fail(second.reason);
    this.#result = { user: second.user, destination };
    return 'accept';
  }

  #fail(reason: RejectionReason | null): Ruling {
    this.#failed += 1;
    this.#reason = reason;
    return 'reject';
  }

  /** Null: the client did not answer what it was asked. */
  async #check(
    context: AuthContext,
    destination: Destination | null,
  ): Promise<AuthenticationAnswer | null> {
    if (context.method === 'password') return this.#password(destination, context.password);
    if (context.method === 'publickey') return this.#publicKey(destination, context);
    if (context.method !== 'keyboard-interactive') return { outcome: 'rejected' };
    const password = await askPassword(context);
    return password === null ? null : this.#password(destination, password);
  }

  /** ssh2 throws when the client has gone or has begun another attempt: then nobody waits for it. */
  #answer(context: AuthContext, ruling: Ruling): void {
    try {
      if (ruling === 'accept') context.accept();
      else if (ruling === 'partial') context.reject(SECOND, true);
      else if (ruling === 'reject') context.reject(this.#pending === null ? METHODS : SECOND);
    } catch {
      // Nothing to answer to.
    }
  }

  async #password(
    destination: Destination | null,
    password: unknown,
  ): Promise<AuthenticationAnswer> {
    // With the change flag set (RFC 4252 §8) ssh2 hands over an object.
    if (typeof password !== 'string' || Buffer.byteLength(password) > MAX_PASSWORD) {
      return { outcome: 'rejected' };
    }
    return this.#ask({ type: 'password', password }, destination);
  }

  async #publicKey(
    destination: Destination | null,
    context: PublicKeyAuthContext,
  ): Promise<AuthenticationAnswer> {
    const credential = credentialOf(context);
    if (credential === null) return { outcome: 'rejected' };
    return this.#ask(credential, destination);
  }

  #ask(credential: Credential, destination: Destination | null): Promise<AuthenticationAnswer> {
    const { user = '', machine = null, login = null } = destination ?? {};
    return this.#control.authenticate(user, credential, this.#facts(), { machine, login });
  }
}
