import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertGuarded, demands } from '../../src/api/guard.ts';
import { SCOPES, type Scope } from '../../src/domain/role.ts';
import { servedOperations } from './operations.ts';
import {
  type Answer,
  addUser,
  anotherApi,
  call,
  openStage,
  type Stage,
  tokenFor,
} from './stage.ts';

/** Every operation of the OpenAPI document, tried without what it demands. */

let stage: Stage;
let admin: string;

beforeAll(async () => {
  stage = await openStage();
  admin = await tokenFor(stage, null, ['admin']);
});

afterAll(() => stage.close());

/** Container sessions have the plain form of Cloud 66. */
function messageOf({ body }: Answer): string {
  return typeof body.error === 'string' ? body.error : body.error.message;
}

async function operations() {
  const served = await servedOperations(stage);
  return served.map(({ method, path, access }) => {
    return { method, path: path.replaceAll(/\{.+?\}/g, '1'), access };
  });
}

test('the document is OpenAPI 3.1 and has the operations that the API has', async () => {
  const { body, status } = await call(stage, 'GET', '/v1/openapi.json');
  expect(status).toBe(200);
  expect(body.openapi).toBe('3.1.0');
  expect(body.components.securitySchemes.bearer.scheme).toBe('bearer');
  expect(await operations()).toHaveLength(demands(stage.api).size);
  expect(Object.keys(body.paths['/v1/sessions/{id}'])).toEqual(['get', 'delete']);
});

test('every operation declares what it demands', async () => {
  for (const { access, path } of await operations()) {
    expect(['public', 'signed-in', ...SCOPES], path).toContain(access);
  }
});

test('only health, the document, its page and a socket with a secret of its own are public', async () => {
  const open = (await operations()).filter(({ access }) => access === 'public');
  expect(open.map(({ path }) => path).sort()).toEqual([
    '/docs',
    '/healthz',
    '/readyz',
    '/v1/healthz',
    '/v1/openapi.json',
    '/v1/readyz',
    '/v1/sessions/1/ws',
  ]);
});

test('no operation that demands something answers without a token, or to one that is wrong, expired or revoked', async () => {
  const expired = await tokenFor(stage, null, ['admin'], new Date(Date.now() - 1000));
  const revoked = await tokenFor(stage, null, ['admin']);
  const { rows } = await stage.store.tokens.list(null, { limit: 1 });
  await stage.store.tokens.revoke(rows[0]?.id ?? 0);
  const wrong = [null, 'pst_wrong', `${admin}x`, admin.slice(0, -1), expired, revoked];
  for (const { method, path, access } of await operations()) {
    if (access === 'public') continue;
    for (const token of wrong) {
      const answer = await call(stage, method, path, { token });
      expect([answer.status, messageOf(answer)], `${method} ${path}`).toEqual([
        401,
        'a valid token is needed: Authorization: Bearer TOKEN',
      ]);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  }
});

test('no operation answers to a token that holds every scope but its own', async () => {
  const others = new Map<string, string>();
  for (const access of SCOPES) {
    const scopes = SCOPES.filter((scope): scope is Scope => scope !== access && scope !== 'admin');
    others.set(access, await tokenFor(stage, null, scopes));
  }
  for (const { method, path, access } of await operations()) {
    if (access === 'public' || access === 'signed-in') continue;
    const answer = await call(stage, method, path, { token: others.get(access) ?? null });
    expect([answer.status, messageOf(answer)], `${method} ${path}`).toEqual([
      403,
      `this token lacks the scope ${access}`,
    ]);
  }
});

test('expired tokens, tokens of disabled users and cookies of the console are no tokens', async () => {
  const user = await addUser(stage, 'gone');
  const expired = await tokenFor(stage, null, ['admin'], new Date(Date.now() - 1000));
  const disabled = await tokenFor(stage, user, ['sessions:read']);
  expect((await call(stage, 'GET', '/v1/auth/me', { token: disabled })).status).toBe(200);
  await stage.store.users.update(user.id, { disabled: true });
  for (const token of [expired, disabled]) {
    expect((await call(stage, 'GET', '/v1/auth/me', { token })).status).toBe(401);
  }
});

test('a token never holds more than the role of its owner', async () => {
  const user = await addUser(stage, 'demoted', 'admin');
  const token = await tokenFor(stage, user, ['admin']);
  expect((await call(stage, 'GET', '/v1/audit', { token })).status).toBe(200);
  await stage.store.users.update(user.id, { role: 'viewer' });
  expect((await call(stage, 'GET', '/v1/audit', { token })).status).toBe(403);
  expect((await call(stage, 'GET', '/v1/auth/me', { token })).body.data.scopes).not.toContain(
    'admin',
  );
});

test('the scheme of the header is read in any case', async () => {
  for (const scheme of ['bearer', 'BEARER', 'Bearer']) {
    const headers = { authorization: `${scheme} ${admin}` };
    expect((await call(stage, 'GET', '/v1/auth/me', { headers })).status).toBe(200);
  }
});

test('an API with a route that declares nothing does not start', () => {
  const other = anotherApi(stage, {});
  other.api.get('/v1/secret', (c) => c.text('open'));
  expect(() => assertGuarded(other.api)).toThrow('GET /v1/secret');
});

test('unknown paths and wrong methods answer in the same form', async () => {
  const unknown = await call(stage, 'GET', '/v1/nope', { token: admin });
  expect([unknown.status, unknown.body.error.code]).toEqual([404, 'NOT_FOUND']);
  const wrong = await call(stage, 'PUT', '/v1/sessions/1', { token: admin });
  expect([wrong.status, wrong.body.error.code]).toEqual([405, 'BAD_REQUEST']);
  expect(wrong.headers.get('allow')).toBe('GET, DELETE');
});

test('the page for people asks nothing of any host', async () => {
  const page = await call(stage, 'GET', '/docs');
  expect(page.status).toBe(200);
  expect(page.body).toContain('GET /v1/sessions/{id}/recording');
  expect(page.body).not.toMatch(/<script|<link|src=|href=/);
  expect(page.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-/,
  );
});

test('each token has its own allowance, said on every answer', async () => {
  const limited = anotherApi(stage, { requestsPerMinute: 3 });
  const [one, two] = [
    await tokenFor(limited, null, ['admin']),
    await tokenFor(limited, null, ['admin']),
  ];
  const left = async (path: string, token: string) => {
    const { headers, status } = await call(limited, 'GET', path, { token });
    return [status, headers.get('x-ratelimit-limit'), headers.get('x-ratelimit-remaining')];
  };
  expect(await left('/v1/auth/me', one)).toEqual([200, '3', '2']);
  expect(await left('/v1/nope', one)).toEqual([404, '3', '1']);
  expect(await left('/v1/sessions/999', one)).toEqual([404, '3', '0']);
  const over = await call(limited, 'GET', '/v1/auth/me', { token: one });
  expect([over.status, over.body.error.code]).toEqual([429, 'RATE_LIMITED']);
  expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(over.headers.get('x-ratelimit-reset')).toBe(over.headers.get('retry-after'));
  expect(await left('/v1/auth/me', two)).toEqual([200, '3', '2']);
});
