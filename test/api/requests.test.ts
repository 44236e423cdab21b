import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateHostKey } from '../../src/ssh/host-key.ts';
import { anotherApi, call, openStage, type Stage, tokenFor } from './stage.ts';

/** Tokens, set-ups, the audit, health, and what no request may do. */

let stage: Stage;
let admin: string;

beforeAll(async () => {
  stage = await openStage();
  admin = await tokenFor(stage, null, ['admin']);
});

afterAll(() => stage.close());

const ask = (method: string, path: string, body?: unknown, token = admin) =>
  call(stage, method, path, { token, ...(body === undefined ? {} : { body }) });

const fieldsOf = (body: { error: { details: { field: string }[] } }) =>
  body.error.details.map(({ field }) => field);

async function audited(type: string): Promise<{ user_id?: unknown }[]> {
  const { body } = await ask('GET', `/v1/audit?type=${type}&limit=100`);
  return body.data.events;
}

describe('tokens', () => {
  test('are shown once, work, and work no more when revoked', async () => {
    const made = await ask('POST', '/v1/tokens', { name: 'ci', scopes: ['sessions:read'] });
    expect(made.status).toBe(201);
    const { token, id } = made.body.data;
    expect(token).toMatch(/^pst_[A-Za-z0-9_-]{43}$/);
    const me = await ask('GET', '/v1/auth/me', undefined, token);
    expect(me.body.data).toMatchObject({ user: null, scopes: ['sessions:read'] });
    const listed = await ask('GET', '/v1/tokens');
    expect(JSON.stringify(listed.body)).toContain('"ci"');
    expect(JSON.stringify(listed.body)).not.toContain(token);
    expect((await ask('DELETE', `/v1/tokens/${id}`)).status).toBe(200);
    expect((await ask('GET', '/v1/auth/me', undefined, token)).status).toBe(401);
    expect(JSON.stringify(await audited('token.created'))).not.toContain(token);
    expect(await audited('token.revoked')).toHaveLength(1);
  });

  test.each([
    [{ scopes: ['root'] }, 'scopes[0]'],
    [{ scopes: [] }, 'scopes'],
    [{ name: '' }, 'name'],
    [{ expires_at: '2001-01-01T00:00:00Z' }, 'expires_at'],
    [{ user_id: 'usr_99999' }, 'user_id'],
  ])('with %j are refused, naming %s', async (wrong, field) => {
    const { status, body } = await ask('POST', '/v1/tokens', {
      name: 'x',
      scopes: ['sessions:read'],
      ...wrong,
    });
    expect([status, fieldsOf(body)]).toEqual([400, [field]]);
  });
});

describe('a set-up', () => {
  const key = generateHostKey().publicLine;
  const setup = {
    users: [{ name: 'sue', email: null, role: 'member', keys: [key], password: 'a long password' }],
    groups: [{ name: 'devs', members: ['sue'] }],
    machines: [
      {
        name: 'app1',
        kind: 'ssh',
        host: 'app1.example.org',
        port: 22,
        login: 'deploy',
        auth: { type: 'password', password: 'hunter2hunter2' },
        host_key: null,
        host_key_policy: 'accept-new',
        recording: 'required',
        tags: {},
        description: '',
      },
    ],
    grants: [
      {
        to: { group: 'devs' },
        on: { machine: 'app1' },
        logins: [],
        allow: ['shell'],
        forward_to: [],
        from_networks: [],
        until: null,
        max_session: null,
        idle_timeout: null,
      },
    ],
  };

  test('is shown, made, and made again without a change', async () => {
    const dry = await ask('POST', '/v1/setup', { ...setup, dry_run: true, prune: false });
    expect(dry.body.data.dry_run).toBe(true);
    expect(dry.body.data.changes.length).toBeGreaterThanOrEqual(4);
    expect(await stage.store.users.getByName('sue')).toBeNull();
    const made = await ask('POST', '/v1/setup', { ...setup, dry_run: false, prune: false });
    expect(made.body.data.changes).toEqual(dry.body.data.changes);
    expect((await stage.store.machines.getByName('app1'))?.host).toBe('app1.example.org');
    const again = await ask('POST', '/v1/setup', { ...setup, dry_run: false, prune: false });
    expect(again.body.data.changes).toEqual([]);
    const events = await audited('user.created');
    expect(events[0]).toMatchObject({ detail: { name: 'sue', by: 'setup' } });
    expect(JSON.stringify(await ask('GET', '/v1/audit'))).not.toContain('hunter2');
  });

  test.each([
    [{ users: [{ ...setup.users[0], keys: ['junk'] }] }, 'users[0].keys[0]'],
    [{ users: [{ ...setup.users[0], totp: 'yes' }] }, 'users[0].totp'],
    [{ machines: [{ ...setup.machines[0], auth: { type: 'totp' } }] }, 'machines[0].auth.type'],
    [{ machines: [{ ...setup.machines[0], host: 5 }] }, 'machines[0].host'],
    [{ grants: [{ ...setup.grants[0], on: { machine: 'nowhere' } }] }, 'grants[0].on.machine'],
    [{ grants: [{ ...setup.grants[0], mfa: 'yes' }] }, 'grants[0].mfa'],
    [{ stacks: 5 }, 'stacks'],
  ])('with %j is refused whole, naming the field', async (wrong, field) => {
    const { status, body } = await ask('POST', '/v1/setup', { ...setup, ...wrong });
    expect([status, fieldsOf(body)]).toEqual([400, [field]]);
  });
});

describe('the audit', () => {
  test('is listed by filter and page, and to who is no admin only their own', async () => {
    const { body } = await ask('GET', '/v1/audit?limit=1&cursor=');
    expect(body.data.events).toHaveLength(1);
    expect(body.data.pagination.next_cursor).not.toBeNull();
    const later = await ask('GET', '/v1/audit?from=2100-01-01');
    expect(later.body.data.events).toEqual([]);
    expect(fieldsOf((await ask('GET', '/v1/audit?type=no.such')).body)).toEqual(['type']);
  });
});

describe('health', () => {
  test('is told without a token, under /v1 and at the root', async () => {
    for (const path of ['/healthz', '/v1/healthz']) {
      const { status, body } = await call(stage, 'GET', path);
      expect([status, body.data]).toEqual([200, { status: 'up', version: '9.9.9' }]);
    }
    expect((await call(stage, 'GET', '/readyz')).body.data.database).toBe('up');
  });

  test('is 503 when the database does not answer', async () => {
    const store = Object.assign(Object.create(stage.store), { healthy: async () => false });
    const { status, body } = await call(anotherApi(stage, { store }), 'GET', '/readyz');
    expect([status, body.data.status, body.data.counters]).toEqual([503, 'down', 'up']);
  });
});

describe('what fails inside', () => {
  const failing = (healthy: boolean) => {
    const sessions = { list: () => Promise.reject(new Error('relation "secret_table" is gone')) };
    const { users, tokens } = stage.store;
    const store = { users, tokens, sessions, healthy: async () => healthy };
    return anotherApi(stage, { store: Object.assign(Object.create(stage.store), store) });
  };

  test('is a 500 with a request id and nothing of the cause, which the log has', async () => {
    const { status, body, headers } = await call(failing(true), 'GET', '/v1/sessions', {
      token: admin,
    });
    expect([status, body.error.code]).toEqual([500, 'INTERNAL']);
    expect(body.error.details.request_id).toBe(headers.get('x-request-id'));
    expect(JSON.stringify(body)).not.toContain('secret_table');
    const line = stage.log.lines.at(-1);
    expect(line).toContain('secret_table');
    expect(line).toContain(body.error.details.request_id);
  });

  test('is a 503 when it is the database that is down', async () => {
    const { status, body } = await call(failing(false), 'GET', '/v1/sessions', { token: admin });
    expect([status, body.error.code]).toEqual([503, 'UNAVAILABLE']);
  });
});

describe('a body', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    call(stage, 'POST', '/v1/users', { token: admin, body, headers });

  test('that is no JSON, or is sent as something else, is refused by name', async () => {
    expect(fieldsOf((await post('{"name":')).body)).toEqual(['body']);
    expect(fieldsOf((await post('[]')).body)).toEqual(['body']);
    const other = await post('name=x', { 'content-type': 'application/x-www-form-urlencoded' });
    expect([other.status, fieldsOf(other.body)]).toEqual([400, ['Content-Type']]);
  });

  test('of more than a megabyte is refused', async () => {
    const { status, body } = await post(JSON.stringify({ name: 'x'.repeat(1024 * 1024) }));
    expect([status, body.error.code]).toEqual([413, 'BAD_REQUEST']);
  });

  test('with two bad fields has two details', async () => {
    const { body } = await post(JSON.stringify({ name: 'a b', role: 'king', colour: 1 }));
    expect(fieldsOf(body).sort()).toEqual(['colour', 'name', 'role']);
  });
});

test('every answer tells browsers to keep their hands off', async () => {
  for (const path of ['/v1/sessions', '/v1/nope', '/healthz']) {
    const { headers } = await call(stage, 'GET', path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  }
});
