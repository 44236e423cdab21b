import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { hashBearer, newBearer } from '../domain/bearer.ts';
import type { User } from '../domain/user.ts';
import type { ConsoleDeps, ConsoleEnv } from './deps.ts';

const COOKIE = 'postern_half';
const PATH = '/signin';

const LIFETIME_S = 600;

/** A browser whose user has given the first factor and owes the second: a cookie good for that alone. */
export class HalfSignIn {
  readonly #deps: ConsoleDeps;

  constructor(deps: ConsoleDeps) {
    this.#deps = deps;
  }

  async begin(c: Context<ConsoleEnv>, user: User): Promise<void> {
    const bearer = newBearer();
    await this.#deps.store.factors.wait({
      hash: await hashBearer(bearer),
      userId: user.id,
      expiresAt: new Date(this.#deps.clock().getTime() + LIFETIME_S * 1000),
    });
    setCookie(c, COOKIE, bearer, {
      httpOnly: true,
      sameSite: 'Strict',
      path: PATH,
      secure: this.#isSecure(),
      maxAge: LIFETIME_S,
    });
  }

  /** Whose it is; null when there is none, or they may not sign in any more. */
  async user(c: Context<ConsoleEnv>): Promise<User | null> {
    const hash = await this.#hash(c);
    const { store, clock } = this.#deps;
    const id = hash === null ? null : await store.factors.waiting(hash, clock());
    const user = id === null ? null : await store.users.get(id);
    return user === null || user.disabled ? null : user;
  }

  /** Uses it up: true once. */
  async end(c: Context<ConsoleEnv>): Promise<boolean> {
    const hash = await this.#hash(c);
    deleteCookie(c, COOKIE, { path: PATH, secure: this.#isSecure() });
    return hash !== null && (await this.#deps.store.factors.done(hash));
  }

  async #hash(c: Context<ConsoleEnv>): Promise<string | null> {
    const cookie = getCookie(c, COOKIE);
    return cookie === undefined || cookie.length > 100 ? null : await hashBearer(cookie);
  }

  #isSecure(): boolean {
    return this.#deps.publicUrl().startsWith('https:');
  }
}
