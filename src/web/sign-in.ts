import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { AuditType } from '../domain/audit.ts';
import { hashBearer, newBearer } from '../domain/bearer.ts';
import { PosternError } from '../domain/errors.ts';
import { printable } from '../domain/log.ts';
import { MAX_PASSWORD } from '../domain/password.ts';
import { RateLimit } from '../domain/rate-limit.ts';
import { scopesOfRole } from '../domain/role.ts';
import type { User } from '../domain/user.ts';
import { type Viewer, viewerOf } from '../domain/visibility.ts';
import type { ConsoleDeps, ConsoleEnv } from './deps.ts';

const COOKIE = 'postern_session';

const LIFETIME_S = 12 * 3600;

/** Attempts a minute, for each address and for each name. */
const ATTEMPTS = 10;

/** Signing in to the console, and out. A browser holds a token of kind `web` in its cookie. */
export class SignIn {
  readonly #deps: ConsoleDeps;
  readonly #attempts = new RateLimit(ATTEMPTS, 60_000);

  constructor(deps: ConsoleDeps) {
    this.#deps = deps;
  }

  /** Who the request's cookie is; null when nobody. */
  async viewer(c: Context<ConsoleEnv>): Promise<Viewer | null> {
    const cookie = getCookie(c, COOKIE);
    if (cookie === undefined || cookie.length > 100) return null;
    return viewerOf(cookie, ['web'], this.#deps.store, this.#deps.clock());
  }

  /** Throws `console.sign_in`, the same for every reason, or `request.rate_limited`. */
  async withPassword(c: Context<ConsoleEnv>, name: string, password: string): Promise<void> {
    this.#limit(`address ${c.get('source')}`);
    this.#limit(`name ${name.slice(0, 64)}`);
    const user = await this.#checked(name, password);
    if (user === null) {
      await this.#note(c, 'auth.failed', null, printable(name, 64));
      throw new PosternError('console.sign_in');
    }
    await this.#begin(c, user, 'password');
  }

  /** Uses a one-time link up. Throws `console.link`. */
  async withLink(c: Context<ConsoleEnv>, link: string): Promise<void> {
    this.#limit(`address ${c.get('source')}`);
    const { store, clock } = this.#deps;
    const userId = await store.tokens.useSignIn(await hashBearer(link), clock());
    const user = userId === null ? null : await store.users.get(userId);
    if (user === null || user.disabled) throw new PosternError('console.link');
    await this.#begin(c, user, 'link');
  }

  async out(c: Context<ConsoleEnv>, viewer: Viewer): Promise<void> {
    await this.#deps.store.tokens.revoke(viewer.token.id);
    await this.#note(c, 'console.signed_out', viewer.userId, viewer.name);
    deleteCookie(c, COOKIE, { path: '/', secure: this.#isSecure() });
  }

  #limit(key: string): void {
    const { allowed, resetSeconds } = this.#attempts.take(key, this.#deps.clock());
    if (!allowed) throw new PosternError('request.rate_limited', { seconds: resetSeconds });
  }

  /** An unknown name costs as much time as a wrong password. */
  async #checked(name: string, password: string): Promise<User | null> {
    const { store, passwords } = this.#deps;
    const known = name.includes('\0') ? null : await store.users.getByName(name);
    const user = known === null || known.disabled ? null : known;
    const hash = user === null ? null : await store.users.passwordHash(user.id);
    const right = await passwords.verify(password.slice(0, MAX_PASSWORD), hash);
    return right ? user : null;
  }

  async #begin(c: Context<ConsoleEnv>, user: User, how: string): Promise<void> {
    const bearer = newBearer();
    await this.#deps.store.tokens.create({
      userId: user.id,
      kind: 'web',
      name: `console of ${user.name}`,
      scopes: scopesOfRole(user.role),
      expiresAt: new Date(this.#deps.clock().getTime() + LIFETIME_S * 1000),
      hash: await hashBearer(bearer),
    });
    await this.#note(c, 'console.signed_in', user.id, user.name, how);
    setCookie(c, COOKIE, bearer, {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      secure: this.#isSecure(),
      maxAge: LIFETIME_S,
    });
  }

  #isSecure(): boolean {
    return this.#deps.publicUrl().startsWith('https:');
  }

  async #note(
    c: Context<ConsoleEnv>,
    type: AuditType,
    userId: number | null,
    actor: string,
    how = 'password',
  ): Promise<void> {
    await this.#deps.store.audit.append({
      at: this.#deps.clock(),
      type,
      actor,
      userId,
      machineId: null,
      sessionId: null,
      source: c.get('source'),
      detail: type === 'console.signed_out' ? {} : { method: how, door: 'console' },
    });
  }
}
