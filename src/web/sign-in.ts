import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { AuditDetail, AuditType } from '../domain/audit.ts';
import { type AuditStates, auditStates, ENROLMENT } from '../domain/audit-state.ts';
import { CONSOLE_COOKIE as COOKIE, hashBearer, newBearer } from '../domain/bearer.ts';
import { PosternError } from '../domain/errors.ts';
import type { Enrolment } from '../domain/factor.ts';
import { printable } from '../domain/log.ts';
import { MAX_PASSWORD } from '../domain/password.ts';
import { RateLimit } from '../domain/rate-limit.ts';
import { scopesOfRole } from '../domain/role.ts';
import type { User } from '../domain/user.ts';
import { type Viewer, viewerOf } from '../domain/visibility.ts';
import type { ConsoleDeps, ConsoleEnv } from './deps.ts';
import { HalfSignIn } from './half-sign-in.ts';

const LIFETIME_S = 12 * 3600;

/** Attempts a minute from one address; what can be guessed is limited by the counters besides. */
const ATTEMPTS = 10;

/** What is left to do: nothing, or to prove a second factor. */
export type Step = 'done' | 'second';

/** Signing in to the console, and out. A browser holds a token of kind `web` in its cookie. */
export class SignIn {
  readonly #deps: ConsoleDeps;
  readonly #attempts = new RateLimit(ATTEMPTS, 60_000);
  readonly #half: HalfSignIn;

  constructor(deps: ConsoleDeps) {
    this.#deps = deps;
    this.#half = new HalfSignIn(deps);
  }

  /** Who the request's cookie is; null when nobody. */
  async viewer(c: Context<ConsoleEnv>): Promise<Viewer | null> {
    const cookie = getCookie(c, COOKIE);
    if (cookie === undefined || cookie.length > 100) return null;
    return viewerOf(cookie, ['web'], this.#deps.store, this.#deps.clock());
  }

  /** Throws `console.sign_in`, the same for every reason, or `request.rate_limited`. */
  async withPassword(c: Context<ConsoleEnv>, name: string, password: string): Promise<Step> {
    this.#limit(`address ${c.get('source')}`);
    const guesser = { name, address: c.get('source') };
    const guess = await this.#deps.guesses.attempt(guesser, () => this.#checked(name, password));
    if (guess.outcome !== 'right') {
      const reason = guess.outcome === 'wrong' ? 'password' : 'penalty';
      await this.#note(c, 'auth.failed', null, printable(name, 64), { method: 'password', reason });
      throw new PosternError('console.sign_in');
    }
    const step = await this.#goOn(c, guess.found, 'password');
    if (step === 'done') await this.#deps.guesses.succeeded(guesser);
    return step;
  }

  /** Who has given the first factor and owes the second; null when nobody. */
  halfUser(c: Context<ConsoleEnv>): Promise<User | null> {
    return this.#half.user(c);
  }

  /** What an authenticator app needs, for who has none; null: a code is asked for. */
  async enrolment(user: User): Promise<Enrolment | null> {
    const need = await this.#deps.factors.needAtConsole(user.id);
    return need === 'enrol' ? this.#deps.factors.begin(signedIn(user)) : null;
  }

  /** Answers the recovery codes to show, if any. Throws `console.code`, the same for every reason. */
  async withCode(c: Context<ConsoleEnv>, user: User, code: string): Promise<readonly string[]> {
    this.#limit(`address ${c.get('source')}`);
    const verdict = await this.#deps.factors.check(signedIn(user), code, c.get('source'));
    if (verdict.outcome === 'wrong') {
      const detail = { method: 'code', reason: verdict.reason };
      await this.#note(c, 'auth.failed', user.id, user.name, detail);
      throw new PosternError('console.code');
    }
    const { method, recoveryCodes } = verdict;
    if (method === 'enrolment') {
      await this.#note(c, 'totp.enrolled', user.id, user.name, {}, ENROLMENT);
    }
    if (method === 'recovery_code') await this.#note(c, 'totp.recovery_used', user.id, user.name);
    if (!(await this.#half.end(c))) throw new PosternError('console.code');
    await this.#begin(c, user, method);
    return recoveryCodes;
  }

  /** Uses a one-time link up. Throws `console.link`. */
  async withLink(c: Context<ConsoleEnv>, link: string): Promise<Step> {
    this.#limit(`address ${c.get('source')}`);
    const { store, clock } = this.#deps;
    const userId = await store.tokens.useSignIn(await hashBearer(link), clock());
    const user = userId === null ? null : await store.users.get(userId);
    if (user === null || user.disabled) throw new PosternError('console.link');
    return this.#goOn(c, user, 'link');
  }

  async #goOn(c: Context<ConsoleEnv>, user: User, how: string): Promise<Step> {
    if ((await this.#deps.factors.needAtConsole(user.id)) === 'none') {
      await this.#begin(c, user, how);
      return 'done';
    }
    await this.#half.begin(c, user);
    return 'second';
  }

  async out(c: Context<ConsoleEnv>, viewer: Viewer): Promise<void> {
    await this.#deps.store.transaction(async ({ tokens, audit }) => {
      const token = await tokens.revoke(viewer.token.id);
      // Somebody else took it away, and that is in the audit already.
      if (token === null) return;
      const event = { ...this.#by(c, viewer.userId, viewer.name), ...auditStates(token, null) };
      await audit.append({ ...event, type: 'console.signed_out', detail: {} });
    });
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
    const hash = await hashBearer(bearer);
    await this.#deps.store.transaction(async ({ tokens, audit }) => {
      const token = await tokens.create({
        userId: user.id,
        kind: 'web',
        name: `console of ${user.name}`,
        scopes: scopesOfRole(user.role),
        expiresAt: new Date(this.#deps.clock().getTime() + LIFETIME_S * 1000),
        hash,
      });
      const event = { ...this.#by(c, user.id, user.name), ...auditStates(null, token) };
      const detail = { method: how, door: 'console' };
      await audit.append({ ...event, type: 'console.signed_in', detail });
    });
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
    detail: AuditDetail = {},
    states: AuditStates = {},
  ): Promise<void> {
    if (type === 'auth.failed') this.#deps.meters.signInFailed('console');
    const event = { ...this.#by(c, userId, actor), ...states };
    await this.#deps.store.audit.append({ ...event, type, detail: { ...detail, door: 'console' } });
  }

  /** What every event has in common. */
  #by(c: Context<ConsoleEnv>, userId: number | null, actor: string) {
    return {
      at: this.#deps.clock(),
      ...{ actor, userId, machineId: null, sessionId: null },
      source: c.get('source'),
    };
  }
}

function signedIn(user: User): { readonly userId: number; readonly userName: string } {
  return { userId: user.id, userName: user.name };
}
