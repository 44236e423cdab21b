import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { running } from '../support/test-engine.ts';
import { failure, openShop, type Shop, TIME, UNPERMITTED } from './shop.ts';
import { call, tokenFor } from './stage.ts';

/** Each sample request of seeds/cloud66-sessions.md, as written, with real ids. */

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});

afterAll(() => shop.close());

test('Create Container Session: POST /stacks/:stack_id/sessions answers the AsyncAction', async () => {
  const { usual, create, finished, ada } = shop;
  usual();
  const { status, body } = await create('shop', { service_name: 'web' });
  expect(status).toBe(200);
  expect(body).toEqual({
    id: expect.any(Number),
    user_id: ada.id,
    resource_type: 'stack',
    action: 'create_session',
    status: 'pending',
    started_at: expect.stringMatching(TIME),
    finished_at: null,
    created_at: expect.stringMatching(TIME),
    updated_at: expect.stringMatching(TIME),
  });
  expect(await finished('shop', body.id)).toMatchObject({
    ...{ id: body.id, status: 'completed', session_id: expect.any(Number) },
    finished_at: expect.stringMatching(TIME),
  });
});

test('Create Container Session: service_name may be a parameter', async () => {
  const { stage, usual, get, finished, adaToken } = shop;
  usual();
  const path = '/v1/stacks/shop/sessions?service_name=db';
  const { status, body } = await call(stage, 'POST', path, { token: adaToken });
  expect(status).toBe(200);
  const { session_id } = await finished('shop', body.id);
  const found = await get(`/v1/stacks/shop/sessions/fetch?session_id=${session_id}`);
  expect(found.body.service_name).toBe('db');
});

test('Get Container Session: GET /stacks/:stack_id/sessions/fetch answers the session', async () => {
  const { get, ready } = shop;
  const id = await ready();
  const { status, body } = await get('/v1/stacks/shop/sessions/fetch?service_name=web');
  expect(status).toBe(200);
  expect(body).toEqual({
    id,
    service_name: 'web',
    container_name: 'shop-web-1',
    status: 'active',
    connection_info: {
      ...{ host: '127.0.0.1', port: 2222 },
      username: expect.stringMatching(new RegExp(`^cs-${id}-[a-z2-9]{8}$`)),
    },
    created_at: expect.stringMatching(TIME),
    updated_at: expect.stringMatching(TIME),
  });
});

test('Get Container Session: session_id wins over service_name; a stack is known by uid, too', async () => {
  const { get, ready } = shop;
  const id = await ready();
  await ready('shop', 'db');
  const { uid } = (await get('/v1/stacks/shop')).body;
  expect(uid).toMatch(/^[0-9a-f]{32}$/);
  for (const text of [String(id), `sess_${id}`]) {
    const path = `/v1/stacks/${uid}/sessions/fetch?session_id=${text}&service_name=db`;
    expect((await get(path)).body).toMatchObject({ id, service_name: 'web' });
  }
});

test('Get Container Session: the most recent one of a service', async () => {
  const { get, ready } = shop;
  await ready();
  const id = await ready();
  for (const more of ['', '&session_id=']) {
    const path = `/v1/stacks/shop/sessions/fetch?service_name=web${more}`;
    expect((await get(path)).body.id).toBe(id);
  }
});

test('Session lifecycle: pending, active, stopped, the same session as in /v1/sessions', async () => {
  const { stage, engine, usual, create, get, finished, adaToken } = shop;
  usual();
  const fetch = async (asked: string) =>
    (await get(`/v1/stacks/shop/sessions/fetch?${asked}`)).body;
  engine.holdAfter(1);
  const { body } = await create('shop', { service_name: 'web' });
  expect(await fetch('service_name=web')).toMatchObject({ status: 'pending', container_name: '' });
  expect((await get(`/v1/stacks/shop/actions/${body.id}`)).body.finished_at).toBe(null);
  engine.goOn();
  const { session_id: id } = await finished('shop', body.id);
  expect(await fetch(`session_id=${id}`)).toMatchObject({ id, status: 'active' });
  const same = (await get(`/v1/sessions/${id}`)).body.data;
  expect(same).toMatchObject({ id: `sess_${id}`, status: 'active', machine: { name: 'shop.web' } });
  const ended = await call(stage, 'DELETE', `/v1/sessions/${id}`, { token: adaToken });
  expect(ended.status).toBe(200);
  expect(await fetch(`session_id=${id}`)).toMatchObject({ status: 'stopped' });
  expect((await get(`/v1/sessions/${id}`)).body.data.end_reason).toBe('terminated');
});

test('Session lifecycle: failed, when its container is gone before it is ready', async () => {
  const { engine, usual, create, get, finished } = shop;
  usual();
  engine.holdAfter(1);
  const { body } = await create('shop', { service_name: 'web' });
  const { id } = (await get('/v1/stacks/shop/sessions/fetch?service_name=web')).body;
  engine.containers = [];
  engine.goOn();
  expect(await finished('shop', body.id)).toMatchObject({
    status: 'failed',
    error: expect.stringMatching(/^Invalid service - Service not found in active rollout variant/),
  });
  const found = await eventually('the session fails', async () => {
    const answer = await get(`/v1/stacks/shop/sessions/fetch?session_id=${id}`);
    return answer.body.status === 'pending' ? null : answer.body.status;
  });
  expect(found).toBe('failed');
});

test('Access requirements: one who has no key gets a password that is good once, for them alone', async () => {
  const { stage, get, ready, benToken } = shop;
  const id = await ready('shop', 'web', benToken);
  const path = `/v1/stacks/shop/sessions/fetch?session_id=${id}`;
  const { connection_info } = (await get(path, benToken)).body;
  expect(connection_info.password).toMatch(/^[\w-]{24}$/);
  expect((await get(path, benToken)).body.connection_info).toEqual(connection_info);
  expect(failure(await get(path))).toEqual([
    400,
    'Invalid session - Session not found or inaccessible',
  ]);
  const { password: _, ...others } = connection_info;
  const dead = await stage.store.containerSessions.join(
    id,
    {
      ...{ node: 'node-a', kind: 'shell', login: 'root', ipAddress: '192.0.2.9' },
      ...{ userAgent: 'SSH-2.0-x', approval: null },
    },
    new Date(),
  );
  expect(dead).toMatchObject({ id });
  expect((await get(path, benToken)).body.connection_info).toEqual(others);
  expect(stage.log.lines.join('\n')).not.toContain(connection_info.password);
});

test.each([
  ['a grant that allows no shell', 'eveToken', 'shop'],
  ['no grant', 'danToken', 'shop'],
  ['a token that is nobody’s', 'admin', 'shop'],
  ['no such stack', 'adaToken', 'nowhere'],
] as const)('Error: Insufficient permissions, with %s', async (_what, who, stack) => {
  const { usual, create, get } = shop;
  usual();
  const token = shop[who];
  const made = await create(stack, { service_name: 'web' }, token);
  expect(failure(made)).toEqual([400, UNPERMITTED]);
  const found = await get(`/v1/stacks/${stack}/sessions/fetch?service_name=web`, token);
  expect(failure(found)).toEqual([400, UNPERMITTED]);
});

test('Error: Invalid stack type', async () => {
  const { create, get } = shop;
  const text = 'Invalid stack type - Stack is not container-based';
  expect(failure(await create('metal', { service_name: 'web' }))).toEqual([400, text]);
  const fetch = await get('/v1/stacks/metal/sessions/fetch?service_name=web');
  expect(failure(fetch)).toEqual([400, text]);
});

test('Error: Invalid service, also for one whose containers do not run, and for none', async () => {
  const { engine, usual, create } = shop;
  usual();
  const text = 'Invalid service - Service not found in active rollout variant';
  expect(failure(await create('shop', { service_name: 'wbe' }))).toEqual([400, text]);
  expect(failure(await create('shop', {}))).toEqual([400, text]);
  engine.containers = running('shop', 'web').map((one) => ({ ...one, state: 'exited' }));
  expect(failure(await create('shop', { service_name: 'web' }))).toEqual([400, text]);
});

test('Error: Too many session open!, where the stack says reject', async () => {
  const { stage, create, get, ready, adaToken } = shop;
  const stack = (await get('/v1/stacks/one')).body.id;
  // Of a try before this one.
  const { sessions } = (await get(`/v1/sessions?stack_id=${stack}&limit=100`)).body.data;
  for (const left of sessions) {
    await call(stage, 'DELETE', `/v1/sessions/${left.id}`, { token: adaToken });
  }
  const id = await ready('one');
  const text = 'Too many session open! - Maximum concurrent sessions exceeded';
  expect(failure(await create('one', { service_name: 'web' }))).toEqual([400, text]);
  await call(stage, 'DELETE', `/v1/sessions/${id}`, { token: adaToken });
  const again = await ready('one');
  await call(stage, 'DELETE', `/v1/sessions/${again}`, { token: adaToken });
});

test('Error: Invalid session, on create: the engine is away', async () => {
  const { stage, create, get } = shop;
  const text = 'Invalid session - Session creation failed';
  const answer = await create('gone', { service_name: 'web' });
  expect(failure(answer)).toEqual([400, text]);
  expect(answer.body.details).toBe(
    `${text}: cannot reach the container engine: its socket is not there`,
  );
  // Where it is, is not for everybody.
  const services = await get('/v1/stacks/gone/services');
  expect(services.status).toBe(503);
  expect(JSON.stringify([answer.body, services.body])).not.toContain('nowhere');
  const refused = stage.log.lines.filter((line) => line.includes('request refused'));
  expect(refused.join('\n')).toContain('unix:///nowhere/docker.sock: ');
});

test('Error: Invalid session, on fetch', async () => {
  const { get, ready } = shop;
  const id = await ready();
  const text = 'Invalid session - Session not found or inaccessible';
  for (const asked of ['session_id=999999', 'session_id=x', 'service_name=nothing', '']) {
    expect(failure(await get(`/v1/stacks/shop/sessions/fetch?${asked}`)), asked).toEqual([
      400,
      text,
    ]);
  }
  expect(failure(await get(`/v1/stacks/one/sessions/fetch?session_id=${id}`))).toEqual([400, text]);
});

test('OAuth scope: without a token 401, without redeploy 403', async () => {
  const { stage, ada } = shop;
  const other = await tokenFor(stage, ada, ['sessions:read', 'sessions:write']);
  const paths = [
    ['POST', '/v1/stacks/shop/sessions'],
    ['GET', '/v1/stacks/shop/sessions/fetch'],
    ['GET', '/v1/stacks/shop/actions/1'],
    ['GET', '/v1/stacks'],
    ['POST', '/api/3/stacks/shop/sessions.json'],
    ['GET', '/api/3/stacks.json'],
  ] as const;
  for (const [method, path] of paths) {
    const none = await call(stage, method, path);
    expect(failure(none), path).toEqual([
      401,
      'a valid token is needed: Authorization: Bearer TOKEN',
    ]);
    const poor = await call(stage, method, path, { token: other });
    expect(failure(poor), path).toEqual([403, 'this token lacks the scope redeploy']);
  }
});
