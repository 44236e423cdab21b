import type { AuthContext, AuthenticationType, PublicKeyAuthContext } from 'ssh2';
import type {
  AuthenticationAnswer,
  ConnectionFacts,
  ControlPlane,
  SignedIn,
} from '../domain/control-plane.ts';
import { type Logger, reasonOf } from '../domain/log.ts';
import { MAX_PASSWORD } from '../domain/password.ts';
import { type Destination, parseUserName } from '../domain/user-name.ts';
import { credentialOf } from './key-proof.ts';

/** What may be tried, in the order in which clients should. */
const METHODS: AuthenticationType[] = ['publickey', 'password'];

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
  /** The user name of the last attempt, as it came. */
  readonly lastName: string;
  /** For the connection's 'authentication' event; answers the context once, and never throws. */
  handle(context: AuthContext): void;
}

/**
 * Who is at the other end (RFC 4252). One for each connection; the user comes only from a context
 * whose proof was checked here. Every refusal reads the same, whatever was wrong.
 */
export class Authentication implements Identity {
  readonly #control: ControlPlane;
  readonly #facts: () => ConnectionFacts;
  readonly #log: Logger;
  #result: Authenticated | null = null;
  /** Attempts with something to check, for the audit of a connection that never got in. */
  #failed = 0;
  #lastName = '';

  constructor(control: ControlPlane, facts: () => ConnectionFacts, log: Logger) {
    this.#control = control;
    this.#facts = facts;
    this.#log = log;
  }

  get result(): Authenticated | null {
    return this.#result;
  }

  get failed(): number {
    return this.#failed;
  }

  /** The user name of the last attempt, as it came. */
  get lastName(): string {
    return this.#lastName;
  }

  /** For the connection's 'authentication' event; answers the context once, and never throws. */
  handle(context: AuthContext): void {
    this.#judge(context).then(
      (accepted) => answer(context, accepted),
      (error: unknown) => {
        this.#log.error('authentication could not be decided', { reason: reasonOf(error) });
        answer(context, false);
      },
    );
  }

  async #judge(context: AuthContext): Promise<boolean> {
    if (context.method === 'none') return false;
    this.#lastName = context.username;
    const destination = parseUserName(context.username);
    const verdict = await this.#check(context, destination?.user ?? '');
    if (verdict.outcome === 'acceptable') return destination !== null;
    if (verdict.outcome === 'rejected' || destination === null) {
      this.#failed += 1;
      return false;
    }
    this.#result = { user: verdict.user, destination };
    return true;
  }

  #check(context: AuthContext, userName: string): Promise<AuthenticationAnswer> {
    if (context.method === 'password') return this.#password(userName, context.password);
    if (context.method === 'publickey') return this.#publicKey(userName, context);
    return Promise.resolve({ outcome: 'rejected' });
  }

  async #password(userName: string, password: unknown): Promise<AuthenticationAnswer> {
    // With the change flag set (RFC 4252 §8) ssh2 hands over an object.
    if (typeof password !== 'string' || Buffer.byteLength(password) > MAX_PASSWORD) {
      return { outcome: 'rejected' };
    }
    return this.#control.authenticate(userName, { type: 'password', password }, this.#facts());
  }

  async #publicKey(userName: string, context: PublicKeyAuthContext): Promise<AuthenticationAnswer> {
    const credential = credentialOf(context);
    if (credential === null) return { outcome: 'rejected' };
    return this.#control.authenticate(userName, credential, this.#facts());
  }
}

/** ssh2 throws when the client has gone or has begun another attempt: then nobody waits for it. */
function answer(context: AuthContext, accepted: boolean): void {
  try {
    if (accepted) context.accept();
    else context.reject(METHODS);
  } catch {
    // Nothing to answer to.
  }
}
