import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashBearer, newBearer } from '../../src/domain/bearer.ts';
import type { TotpPolicy } from '../../src/domain/factor.ts';
import type { User } from '../../src/domain/user.ts';
import { createConsole } from '../../src/web/console.ts';
import type { ConsoleDeps } from '../../src/web/deps.ts';
import { openStage, type Stage } from '../api/stage.ts';
import { codeOf } from '../support/codes.ts';
import { consoleDeps } from './deps.ts';

const ORIGIN = 'http://127.0.0.1:8080';
const PASSWORD = 'a good password';

let stage: Stage;
let deps: ConsoleDeps;
let passwordHash: string;

beforeAll(async () => {
  stage = await openStage();
  deps = consoleDeps(stage);
  passwordHash = await stage.deps.passwords.hash(PASSWORD);
});
afterAll(() => stage.close());

/** A browser of its own: it keeps its cookies, and its address is nobody else's. */
class Browser {
  readonly #app: ReturnType<typeof createConsole>;
  readonly cookies = new Map<string, string>();

  constructor() {
    this.#app = createConsole(deps);
  }

  async ask(path: string, form?: Record<string, string>): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await this.#app.request(`${ORIGIN}${path}`, {
      headers: { 'sec-fetch-site': 'same-origin', cookie },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  signIn(name: string): Promise<Response> {
    return this.ask('/signin', { name, password: PASSWORD, next: '/sessions/7' });
  }

  code(code: string, more: Record<string, string> = {}): Promise<Response> {
    return this.ask('/signin/code', { code, next: '/sessions/7', ...more });
  }

  /** Whether the console takes it for signed in. */
  async isIn(): Promise<boolean> {
    return (await this.ask('/')).status === 200;
  }
}

const somebody = (name: string, totp: TotpPolicy): Promise<User> =>
  stage.store.users.create({ name, email: null, role: 'member', passwordHash, totp });

const locationOf = (response: Response) => [response.status, response.headers.get('location')];

const secretIn = (page: string) => /otpauth:[^"]*secret=([A-Z2-7]{32})/.exec(page)?.[1] ?? '';

/** The only event of this type. */
async function eventOf(type: 'totp.enrolled' | 'totp.recovery_used', user: User): Promise<unknown> {
  const { rows } = await stage.store.audit.list({ type, userId: user.id }, { limit: 5 });
  expect(rows).toHaveLength(1);
  return rows[0]?.detail;
}

test('who must have one is led to it, and only then signed in; then asked for codes', async () => {
  const ann = await somebody('ann', 'required');
  const browser = new Browser();
  const half = await browser.signIn('ann');
  expect(locationOf(half)).toEqual([303, '/signin/code?next=%2Fsessions%2F7']);
  expect(half.headers.get('set-cookie')).toMatch(
    /^postern_half=.*Path=\/signin; HttpOnly; SameSite=Strict/,
  );
  expect([...browser.cookies.keys()]).toEqual(['postern_half']);
  expect(await browser.isIn()).toBe(false);
  const page = await (await browser.ask('/signin/code?next=/sessions/7')).text();
  expect(page).toMatch(/<svg class="qr" role="img"/);
  const secret = secretIn(page);
  const uri = `otpauth://totp/Postern:ann?secret=${secret}&issuer=Postern`;
  const wrong = await browser.code('000000', { uri });
  expect(wrong.status).toBe(401);
  const again = await wrong.text();
  expect(again).toContain('wrong code');
  expect(secretIn(again)).toBe(secret);
  const first = codeOf(secret);
  const right = await browser.code(first, { uri });
  const shown = await right.text();
  const codes = shown.match(/[a-z2-7]{4}(?:-[a-z2-7]{4}){3}/g) ?? [];
  expect([right.status, new Set(codes).size]).toEqual([200, 10]);
  expect(shown).toContain('href="/sessions/7"');
  expect(right.headers.get('cache-control')).toBe('no-store');
  expect([...browser.cookies.keys()]).toEqual(['postern_session']);
  expect(await browser.isIn()).toBe(true);
  expect(await eventOf('totp.enrolled', ann)).toEqual({ door: 'console' });

  const next = new Browser();
  await next.signIn('ann');
  const asked = await (await next.ask('/signin/code')).text();
  expect(asked).not.toContain('<svg');
  expect(asked).not.toContain('otpauth');
  expect((await next.code(first)).status).toBe(401);
  expect(locationOf(await next.code(codeOf(secret, 1)))).toEqual([303, '/sessions/7']);
  expect(await next.isIn()).toBe(true);

  const third = new Browser();
  await third.signIn('ann');
  expect(locationOf(await third.code(codes[4] ?? ''))).toEqual([303, '/sessions/7']);
  await eventOf('totp.recovery_used', ann);
});

test('who has one is asked though nothing demands it, after a one-time link too', async () => {
  const ben = await somebody('ben', 'optional');
  const plain = new Browser();
  expect(locationOf(await plain.signIn('ben'))).toEqual([303, '/sessions/7']);
  const { secret } = await deps.factors.begin({ userId: ben.id, userName: 'ben' });
  await deps.factors.check({ userId: ben.id, userName: 'ben' }, codeOf(secret), 'here');
  const browser = new Browser();
  expect(locationOf(await browser.signIn('ben'))[1]).toMatch(/^\/signin\/code/);
  const link = newBearer();
  const expiresAt = new Date(Date.now() + 60_000);
  await stage.store.tokens.createSignIn({
    hash: await hashBearer(link),
    userId: ben.id,
    expiresAt,
  });
  const linked = new Browser();
  expect(locationOf(await linked.ask(`/signin/${link}`, {}))).toEqual([303, '/signin/code']);
  expect(await linked.isIn()).toBe(false);
  expect(locationOf(await linked.code(codeOf(secret, 1)))).toEqual([303, '/sessions/7']);
});

test('a browser that owes a second factor is not signed in any more', async () => {
  const cat = await somebody('cat', 'optional');
  const browser = new Browser();
  await browser.signIn('cat');
  expect(await browser.isIn()).toBe(true);
  await stage.store.users.update(cat.id, { totp: 'required' });
  expect(await browser.isIn()).toBe(false);
});

test('nobody who has not begun is asked for a code, and what a form says is not shown', async () => {
  const stranger = new Browser();
  expect(locationOf(await stranger.ask('/signin/code'))).toEqual([303, '/signin']);
  expect(locationOf(await stranger.code('123456'))).toEqual([303, '/signin']);
  stranger.cookies.set('postern_half', newBearer());
  expect(locationOf(await stranger.code('123456'))).toEqual([303, '/signin']);
  await somebody('dan', 'required');
  const browser = new Browser();
  await browser.signIn('dan');
  await browser.ask('/signin/code');
  const page = await (await browser.code('000000', { uri: 'otpauth://totp/Evil?secret=A' })).text();
  expect(page).not.toContain('Evil');
});

test('passwords and codes are guessed under one limit', async () => {
  await somebody('eve', 'required');
  const right = new Browser();
  await right.signIn('eve');
  for (let n = 0; n < 5; n += 1) {
    const guess = { name: 'eve', password: `no ${n}` };
    expect((await new Browser().ask('/signin', guess)).status).toBe(401);
  }
  const secret = secretIn(await (await right.ask('/signin/code')).text());
  expect((await right.code(codeOf(secret))).status).toBe(401);
  const refused = await new Browser().signIn('eve');
  expect([refused.status, await refused.text()]).toEqual([
    401,
    expect.stringContaining('wrong user name or password'),
  ]);
});
