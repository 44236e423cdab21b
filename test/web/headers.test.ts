import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createConsole } from '../../src/web/console.ts';
import { call, openStage, type Stage, tokenFor } from '../api/stage.ts';
import { consoleDeps } from './deps.ts';

/** The console mounted beside the API, as the product does it. */

let stage: Stage;
let admin: string;

const CSP = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

beforeAll(async () => {
  stage = await openStage();
  stage.api.route('/', createConsole(consoleDeps(stage)));
  admin = await tokenFor(stage, null, ['admin']);
});

afterAll(() => stage.close());

test('every page has the strict policy and is kept by nobody', async () => {
  for (const path of ['/signin', '/', '/nowhere', '/signin/abc']) {
    const { headers } = await call(stage, 'GET', path);
    expect(headers.get('content-security-policy'), path).toBe(CSP);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('same-origin');
  }
});

test('the files of a page are there, may be kept for ever, and are known again', async () => {
  const page = (await call(stage, 'GET', '/signin')).body;
  const paths = [...page.matchAll(/href="(\/assets\/[^"]+)"/g)].map(([, path]) => path);
  expect(paths).toHaveLength(2);
  for (const path of paths) {
    const file = await stage.api.request(path);
    const text = Buffer.from(await file.arrayBuffer());
    expect(path).toContain(createHash('sha256').update(text).digest('hex').slice(0, 16));
    expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(file.headers.get('x-content-type-options')).toBe('nosniff');
    const etag = file.headers.get('etag') ?? '';
    expect((await call(stage, 'GET', path, { headers: { 'if-none-match': etag } })).status).toBe(
      304,
    );
  }
  expect((await call(stage, 'GET', '/assets/0/console.css')).status).toBe(404);
  expect((await call(stage, 'GET', '/assets/../../package.json')).status).toBe(404);
  expect((await call(stage, 'GET', '/favicon.ico')).headers.get('location')).toMatch(
    /favicon\.svg$/,
  );
});

test('the API beside it keeps its own form, headers and doors', async () => {
  const unknown = await call(stage, 'GET', '/v1/nope', { token: admin });
  expect([unknown.status, unknown.body.error.code]).toEqual([404, 'NOT_FOUND']);
  expect(unknown.headers.get('content-security-policy')).toBe(
    "default-src 'none'; frame-ancestors 'none'",
  );
  const me = await call(stage, 'GET', '/v1/auth/me', { token: admin });
  expect([me.status, me.headers.get('x-ratelimit-limit')]).toEqual([200, '100000']);
  const page = await call(stage, 'GET', '/signin');
  expect(page.headers.get('x-ratelimit-limit')).toBeNull();
});

test('the cookie of the console opens no door of the API', async () => {
  const name = 'cookie-user';
  const passwordHash = await stage.deps.passwords.hash('a good password');
  await stage.store.users.create({ name, email: null, role: 'admin', passwordHash });
  const signedIn = await stage.api.request('/signin', {
    method: 'POST',
    body: new URLSearchParams({ name, password: 'a good password' }),
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  expect(cookie).toContain('pst_');
  const token = cookie.split('=')[1] ?? '';
  expect((await call(stage, 'GET', '/v1/auth/me', { headers: { cookie } })).status).toBe(401);
  expect((await call(stage, 'GET', '/v1/auth/me', { token })).status).toBe(401);
});
