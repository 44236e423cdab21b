import type { AuthContext } from 'ssh2';
import { isLogin } from '../domain/names.ts';
import type { Authenticated, Identity } from './authentication.ts';

/**
 * Who is at the other end of a connection inside of another one (`ssh -J`): whoever the outer one
 * proved. Its user name is the login on the machine. Nothing that it offers is looked at, so `none`,
 * which clients try first, is as good as a key.
 */
export class ProvenIdentity implements Identity {
  readonly #outer: Authenticated;
  #result: Authenticated | null = null;
  #failed = 0;
  #lastName = '';

  /** `outer`: with the machine as its destination. */
  constructor(outer: Authenticated) {
    this.#outer = outer;
  }

  get result(): Authenticated | null {
    return this.#result;
  }

  get failed(): number {
    return this.#failed;
  }

  get reason(): null {
    return null;
  }

  get lastName(): string {
    return this.#lastName;
  }

  handle(context: AuthContext): void {
    const login = context.username;
    this.#lastName = login;
    try {
      if (!isLogin(login) || context.method === 'hostbased') {
        this.#failed += 1;
        context.reject();
        return;
      }
      const { destination } = this.#outer;
      this.#result = { ...this.#outer, destination: { ...destination, login } };
      context.accept();
    } catch {
      // The client has gone: nobody waits for the answer.
    }
  }
}
