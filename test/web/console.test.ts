import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashBearer, newBearer } from '../../src/domain/bearer.ts';
import type { Machine } from '../../src/domain/machine.ts';
import type { Session } from '../../src/domain/session.ts';
import type { User } from '../../src/domain/user.ts';
import { createConsole } from '../../src/web/console.ts';
import type { ConsoleDeps } from '../../src/web/deps.ts';
import {
  addMachine,
  addRecording,
  addSession,
  addUser,
  openStage,
  type Stage,
} from '../api/stage.ts';
import { consoleDeps } from './deps.ts';

let stage: Stage;
let web: ReturnType<typeof createConsole>;
let deps: ConsoleDeps;
let alice: User;
let mallory: User;
let machine: Machine;
let live: Session;
let ended: Session;

const ORIGIN = 'http://127.0.0.1:8080';
const PASSWORD = 'a good password';
const EVIL = '<script>alert(1)</script>';

beforeAll(async () => {
  stage = await openStage();
  deps = consoleDeps(stage);
  web = createConsole(deps);
  const passwordHash = await stage.deps.passwords.hash(PASSWORD);
  alice = await stage.store.users.create({
    name: 'alice',
    email: 'alice@example.org',
    role: 'admin',
    passwordHash,
  });
  mallory = await addUser(stage, 'mallory');
  await stage.store.users.update(mallory.id, { passwordHash });
  machine = await addMachine(stage, 'web1');
  live = await addSession(stage, alice, machine);
  await stage.store.sessions.activate(live.id, new Date());
  ended = await addSession(stage, alice, machine, { userAgent: EVIL, login: 'deploy' });
  await addRecording(stage, ended, 1, { outputs: ['hello\r\n'] });
  await addRecording(stage, ended, 2, { command: `echo ${EVIL}`, outputs: ['x\n'], pty: false });
  await stage.store.sessions.activate(ended.id, new Date());
  await stage.store.sessions.end(ended.id, {
    endedAt: new Date(),
    reason: 'client_lost',
    bytesIn: 1,
    bytesOut: 2048,
  });
});

afterAll(() => stage.close());

const own = { 'sec-fetch-site': 'same-origin' };

const get = (path: string, cookie?: string, headers: Record<string, string> = {}) =>
  web.request(`${ORIGIN}${path}`, {
    headers: { ...headers, ...(cookie === undefined ? {} : { cookie }) },
  });

function post(
  path: string,
  form: Record<string, string>,
  headers: Record<string, string> = own,
  app = web,
) {
  const body = new URLSearchParams(form);
  return app.request(`${ORIGIN}${path}`, { method: 'POST', body, headers });
}

function cookieOf(response: Response): string {
  return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

/** Attempts are counted in each console apart, so that the tests do not use up each other's. */
async function signedIn(name: string): Promise<string> {
  const app = createConsole(deps);
  const response = await post('/signin', { name, password: PASSWORD, next: '/' }, own, app);
  expect(response.status).toBe(303);
  return cookieOf(response);
}

describe('signing in', () => {
  test('is what every page asks for first', async () => {
    for (const path of ['/', `/sessions/${ended.id}`]) {
      const response = await get(path);
      expect(response.status).toBe(303);
      expect(response.headers.get('location')).toMatch(/^\/signin/);
    }
    const page = await (await get(`/signin?next=/sessions/${ended.id}`)).text();
    expect(page).toContain(`value="/sessions/${ended.id}"`);
    expect(page).toContain('<label for="password">');
  });

  test('gives a cookie that scripts and other sites cannot use', async () => {
    const response = await post('/signin', { name: 'alice', password: PASSWORD });
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^postern_session=pst_[A-Za-z0-9_-]{43};/);
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Strict');
    expect(cookie).toContain('Path=/');
    expect(cookie).toContain('Max-Age=43200');
    expect(cookie).not.toContain('Secure');
    const [value = ''] = [cookieOf(response).split('=')[1]];
    const token = await stage.store.tokens.getByHash(await hashBearer(value), new Date());
    expect(token).toMatchObject({ kind: 'web', userId: alice.id });
    expect((await get('/', cookieOf(response))).status).toBe(200);
  });

  test('makes the cookie Secure where the console is on HTTPS', async () => {
    const secure = createConsole({ ...deps, publicUrl: () => 'https://bastion.example' });
    const response = await post('/signin', { name: 'alice', password: PASSWORD }, own, secure);
    expect(response.headers.get('set-cookie')).toContain('Secure');
  });

  test('says the same to a wrong name and a wrong password, and notes both', async () => {
    const app = createConsole({ ...deps, clientAddress: () => '192.0.2.50' });
    const texts = [];
    for (const name of ['alice', 'nobody']) {
      const response = await post('/signin', { name, password: 'wrong' }, own, app);
      expect([response.status, response.headers.get('set-cookie')]).toEqual([401, null]);
      texts.push((await response.text()).replaceAll(name, ''));
    }
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).toContain('wrong user name or password');
    const { rows } = await stage.store.audit.list({ type: 'auth.failed' }, { limit: 2 });
    expect(rows.map(({ actor, source }) => [actor, source])).toEqual([
      ['nobody', '192.0.2.50'],
      ['alice', '192.0.2.50'],
    ]);
  });

  test('is limited for each address', async () => {
    const app = createConsole({ ...deps, clientAddress: () => '192.0.2.66' });
    const statuses = [];
    for (let n = 0; n < 12; n += 1) {
      statuses.push((await post('/signin', { name: `n${n}`, password: 'x' }, own, app)).status);
    }
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401));
    expect(statuses.slice(10)).toEqual([429, 429]);
  });

  test('goes on to a page of this console and to nowhere else', async () => {
    const app = createConsole(deps);
    for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', '/signout']) {
      const response = await post('/signin', { name: 'alice', password: PASSWORD, next }, own, app);
      expect(response.headers.get('location')).toBe('/');
    }
  });

  test('with a link works once, by its button and not by looking at it', async () => {
    const link = newBearer();
    const hash = await hashBearer(link);
    const expiresAt = new Date(Date.now() + 60_000);
    await stage.store.tokens.createSignIn({ hash, userId: alice.id, expiresAt });
    const page = await get(`/signin/${link}`);
    expect([page.status, page.headers.get('set-cookie')]).toEqual([200, null]);
    expect(await page.text()).toContain(`action="/signin/${link}"`);
    const first = await post(`/signin/${link}`, {});
    expect([first.status, first.headers.get('location')]).toEqual([303, '/']);
    expect((await get('/', cookieOf(first))).status).toBe(200);
    const second = await post(`/signin/${link}`, {});
    expect([second.status, second.headers.get('set-cookie')]).toEqual([404, null]);
    expect(await second.text()).toContain('has been used or has expired');
  });

  test('out ends the session in the store too', async () => {
    const cookie = await signedIn('alice');
    const response = await post('/signout', {}, { ...own, cookie });
    expect(response.headers.get('location')).toBe('/signin');
    expect(response.headers.get('set-cookie')).toMatch(/^postern_session=;/);
    expect((await get('/', cookie)).status).toBe(303);
  });
});

describe('requests that change something', () => {
  test('are refused when no page of this site made them', async () => {
    const form = { name: 'alice', password: PASSWORD };
    const tries: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site', origin: ORIGIN },
      { origin: 'null' },
      { origin: 'http://evil.example', host: '127.0.0.1:8080' },
    ];
    for (const headers of tries) {
      const response = await post('/signin', form, headers);
      expect(response.status, JSON.stringify(headers)).toBe(403);
      expect(response.headers.get('set-cookie')).toBeNull();
    }
  });

  test('are taken with the Origin of this site, where browsers send no more', async () => {
    const form = { name: 'alice', password: 'wrong' };
    const app = createConsole({ ...deps, clientAddress: () => '192.0.2.77' });
    const here = { origin: 'http://10.0.0.1:8080', host: '10.0.0.1:8080' };
    expect((await post('/signin', form, here, app)).status).toBe(401);
    expect((await post('/signin', form, { origin: ORIGIN }, app)).status).toBe(401);
  });
});

describe('the list of sessions', () => {
  test('has those that live first, and filters', async () => {
    const cookie = await signedIn('alice');
    const page = await (await get('/', cookie)).text();
    const [liveAt, endedAt] = [live, ended].map(({ id }) => page.indexOf(`href="/sessions/${id}"`));
    expect(liveAt).toBeGreaterThan(0);
    expect(endedAt).toBeGreaterThan(liveAt ?? 0);
    expect(page).toContain('deploy@web1');
    expect(page).toContain('the connection to the user was lost');
    const onlyLive = await (await get('/?status=live', cookie)).text();
    expect(onlyLive).not.toContain(`href="/sessions/${ended.id}"`);
    const found = await (await get('/?q=nothing-like-it', cookie)).text();
    expect(found).not.toContain('href="/sessions/');
  });

  test('shows to others than admins only what is theirs', async () => {
    const cookie = await signedIn('mallory');
    expect(await (await get('/', cookie)).text()).not.toContain('href="/sessions/');
    for (const path of [`/sessions/${ended.id}`, `/sessions/${ended.id}/recording?channel=1`]) {
      expect((await get(path, cookie)).status).toBe(404);
    }
    const kill = await post(`/sessions/${live.id}/terminate`, {}, { ...own, cookie });
    expect([kill.status, stage.gateway.asked]).toEqual([404, []]);
  });

  test('escapes what others chose', async () => {
    const cookie = await signedIn('alice');
    for (const path of [
      `/?q=${encodeURIComponent(EVIL)}`,
      `/sessions/${ended.id}?channel=2`,
      `/signin/${encodeURIComponent('"><script>')}`,
      `/${encodeURIComponent(EVIL)}`,
    ]) {
      const page = await (await get(path, cookie)).text();
      expect(page, path).not.toMatch(/<script>/);
    }
    const session = await (await get(`/sessions/${ended.id}?channel=2`, cookie)).text();
    expect(session).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });
});

describe('the page of a session', () => {
  test('plays a channel, with a tab for each, from files of this host alone', async () => {
    const cookie = await signedIn('alice');
    const page = await (await get(`/sessions/${ended.id}`, cookie)).text();
    expect(page).toContain(`data-src="/sessions/${ended.id}/recording?channel=1"`);
    expect(page).toContain('aria-label="Channels"');
    expect(page).toContain(`href="/sessions/${ended.id}/download/1" download`);
    const urls = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url);
    expect(urls.every((url) => url.startsWith('/') || url.startsWith('#'))).toBe(true);
    expect(page).not.toMatch(/<script(?![^>]*src=)/);
    expect(page).not.toContain('style=');
    const cast = await get(`/sessions/${ended.id}/recording?channel=2`, cookie);
    expect(cast.headers.get('cache-control')).toBe('no-store');
    expect(await cast.text()).toContain('x\\r\\n');
    const { rows } = await stage.store.audit.list({ type: 'recording.viewed' }, { limit: 1 });
    expect(rows[0]).toMatchObject({ actor: 'alice', sessionId: ended.id });
  });

  test('terminates a live session, and says why an ended one cannot be', async () => {
    const cookie = await signedIn('alice');
    const button = `action="/sessions/${live.id}/terminate"`;
    expect(await (await get(`/sessions/${live.id}`, cookie)).text()).toContain(button);
    const cross = await post(`/sessions/${live.id}/terminate`, {}, { cookie });
    expect([cross.status, stage.gateway.asked]).toEqual([403, []]);
    const done = await post(`/sessions/${live.id}/terminate`, {}, { ...own, cookie });
    expect([done.status, done.headers.get('location')]).toEqual([303, `/sessions/${live.id}`]);
    expect(stage.gateway.asked).toEqual([{ id: live.id, reason: 'terminated', by: 'alice' }]);
    expect(await (await get(`/sessions/${live.id}`, cookie)).text()).not.toContain(button);
    const again = await post(`/sessions/${live.id}/terminate`, {}, { ...own, cookie });
    expect(again.status).toBe(409);
    expect(await again.text()).toContain('has already ended');
  });

  test('is a 404 page where there is none', async () => {
    const cookie = await signedIn('alice');
    for (const path of ['/sessions/999999', '/sessions/abc', '/nowhere']) {
      const response = await get(path, cookie);
      expect([response.status, response.headers.get('content-type')]).toEqual([
        404,
        'text/html; charset=UTF-8',
      ]);
    }
  });
});
