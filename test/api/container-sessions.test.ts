import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BackgroundContainerSessions } from '../../src/control/container-sessions.ts';
import { Meters } from '../../src/domain/meters.ts';
import * as example from '../store/examples.ts';
import { eventually } from '../support/eventually.ts';
import { running } from '../support/test-engine.ts';
import { failure, openShop, type Shop } from './shop.ts';
import { addUser, anotherApi, call, tokenFor } from './stage.ts';

/** Stacks, their services, and what becomes of sessions that are made for them. */

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});

afterAll(() => shop.close());

test('an action is its user’s alone, and of its stack', async () => {
  const { usual, create, get, finished, adaToken, benToken } = shop;
  usual();
  const { body } = await create('shop', { service_name: 'web' });
  await finished('shop', body.id);
  for (const [path, token] of [
    [`/v1/stacks/shop/actions/${body.id}`, benToken],
    [`/v1/stacks/one/actions/${body.id}`, adaToken],
    ['/v1/stacks/shop/actions/x', adaToken],
  ] as const) {
    expect((await get(path, token)).status, path).toBe(404);
  }
});

test('bad input is refused in the form of the family', async () => {
  const { create, get } = shop;
  const wrong = await create('shop', { service_name: 'web', more: true });
  expect(wrong.status).toBe(400);
  expect(wrong.body).toMatchObject({
    details: 'the request is not valid: more is not a known field',
  });
  expect((await create('shop', '{')).body).toMatchObject({ error: 'the request is not valid' });
  expect(failure(await get('/v1/stacks/shop/nothing'))).toEqual([
    404,
    'there is no such thing here',
  ]);
});

test('the engine of a stack is an address of an engine', async () => {
  const stack = {
    ...{ name: 'elsewhere', project: 'elsewhere', login: 'root', recording: 'required' },
    ...{ session_limit: 15, over_limit: 'evict-oldest' },
  };
  for (const engine of ['http://169.254.169.254/', 'unix://nowhere', 'docker.sock', '']) {
    const body = { stacks: [{ ...stack, engine }] };
    const { status, body: answer } = await call(shop.stage, 'POST', '/v1/setup', {
      token: shop.admin,
      body,
    });
    expect([status, JSON.stringify(answer)], engine).toEqual([
      400,
      expect.stringContaining('stacks[0].engine'),
    ]);
  }
});

test('what is no name of a service is none, and makes no machine', async () => {
  const { usual, engine, create, get, ready, stage } = shop;
  usual();
  engine.containers = [...engine.containers, ...running('shop', 'x@web1', '../web', 'a b')];
  for (const service of ['x@web1', '../web', 'a b']) {
    expect(failure(await create('shop', { service_name: service })), service).toEqual([
      400,
      'Invalid service - Service not found in active rollout variant',
    ]);
    expect(await stage.store.machines.getByName(`shop.${service}`), service).toBeNull();
  }
  const { services } = (await get('/v1/stacks/shop/services')).body;
  expect(services.map(({ name }: { name: string }) => name)).toEqual(['db', 'web']);
  await ready('shop', 'web');
});

test('Stack and Service: what the two refer to', async () => {
  const { usual, get, danToken } = shop;
  usual();
  const { stacks } = (await get('/v1/stacks')).body;
  expect(stacks.map(({ name }: { name: string }) => name).sort()).toEqual([
    ...['gone', 'many', 'metal', 'one', 'shop'],
  ]);
  expect((await get('/v1/stacks', danToken)).body.stacks).toEqual([]);
  expect((await get('/v1/stacks/shop', danToken)).status).toBe(404);
  expect((await get('/v1/stacks/shop')).body).toMatchObject({
    ...{ name: 'shop', kind: 'container', session_limit: 15, over_limit: 'evict-oldest' },
  });
  const { services } = (await get('/v1/stacks/shop/services')).body;
  expect(services).toMatchObject([
    { name: 'db', status: 'running' },
    { name: 'web', status: 'running', containers: [{ name: 'shop-web-1', state: 'running' }] },
  ]);
  expect((await get('/v1/stacks/shop/services/web')).body).toMatchObject({ name: 'web' });
  expect(failure(await get('/v1/stacks/shop/services/no'))).toEqual([
    400,
    'Invalid service - Service not found in active rollout variant',
  ]);
});

test('of several containers the healthiest is taken, then the newest', async () => {
  const { engine, create, get, finished } = shop;
  const [web] = running('shop', 'web');
  if (web === undefined) throw new Error('no container');
  engine.containers = [
    { ...web, name: 'shop-web-1', health: 'unhealthy', created: 1_700_000_300 },
    { ...web, name: 'shop-web-2', health: 'healthy', created: 1_700_000_100 },
    { ...web, name: 'shop-web-3', health: 'healthy', created: 1_700_000_200 },
    { ...web, name: 'shop-web-4', state: 'exited', created: 1_700_000_400 },
  ];
  const { body } = await create('shop', { service_name: 'web' });
  const { session_id } = await finished('shop', body.id);
  const found = await get(`/v1/stacks/shop/sessions/fetch?session_id=${session_id}`);
  expect(found.body.container_name).toBe('shop-web-3');
});

test('40 concurrent creates leave exactly 15, the right ones', async () => {
  const { stage, usual, create, finished } = shop;
  usual();
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => create('many', { service_name: 'web' })),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  for (const { body } of answers) await finished('many', body.id);
  const many = await stage.store.machines.getByName('many.web');
  const filter = { statuses: null, machineId: many?.id ?? 0 };
  const rows = await eventually('the others have ended', async () => {
    const page = await stage.store.sessions.list(filter, { limit: 100 });
    const live = page.rows.filter(({ endedAt }) => endedAt === null);
    return live.length === 15 ? page.rows : null;
  });
  const last = rows.slice(0, answers.length).sort((a, b) => b.id - a.id);
  expect(last.slice(0, 15).map(({ status }) => status)).toEqual(Array(15).fill('active'));
  const rest = last.slice(15);
  expect(rest.map(({ endReason }) => endReason)).toEqual(rest.map(() => 'evicted'));
});

test('an action whose work is lost fails by itself, and its session with it', async () => {
  const { stage, usual, finished, ada } = shop;
  usual();
  const stack = await stage.store.stacks.getByName('shop');
  if (stack === null) throw new Error('no stack');
  const machineId = await stage.store.stacks.machineOf(stack, 'db');
  const session = await stage.store.containerSessions.create(
    example.session({ userId: ada.id, userName: 'ada', machineId, machineName: 'shop.db' }),
    {
      stackId: stack.id,
      service: 'db',
      code: 'abcd2345',
      tokenId: null,
      expiresAt: new Date(Date.now() + 600_000),
    },
  );
  const lost = await stage.store.stackActions.create({
    ...{ userId: ada.id, userName: 'ada', stackId: stack.id, sessionId: session.id },
    ...{ node: 'node-a', startedAt: new Date(), action: 'create_session' },
  });
  expect(await finished('shop', lost.id)).toMatchObject({
    status: 'failed',
    error: expect.stringMatching(/^Invalid session - Session creation failed/),
  });
  await eventually('its session fails', async () => {
    return (await stage.store.sessions.get(session.id))?.status === 'failed';
  });
});

test('a session to which nobody comes in time is ended', async () => {
  const { stage, ada } = shop;
  const stack = await stage.store.stacks.getByName('shop');
  if (stack === null) throw new Error('no stack');
  const machineId = await stage.store.stacks.machineOf(stack, 'db');
  const { id } = await stage.store.containerSessions.create(
    example.session({ userId: ada.id, userName: 'ada', machineId, machineName: 'shop.db' }),
    {
      stackId: stack.id,
      service: 'db',
      code: 'abcd2346',
      tokenId: null,
      expiresAt: new Date(Date.now() - 1),
    },
  );
  await eventually('it ends', async () => {
    const session = await stage.store.sessions.get(id);
    return session?.status === 'stopped' && session.endReason === 'unused';
  });
});

test('a session waits for its user as long as it is told to, and no longer', async () => {
  const { stage, usual, ada } = shop;
  usual();
  const stack = await stage.store.stacks.getByName('shop');
  if (stack === null) throw new Error('no stack');
  const { store, counters, log } = stage;
  // It is never begun: the one of the stage ends what is overdue.
  const impatient = new BackgroundContainerSessions({
    ...{ store, counters, log, node: 'node-b', meters: new Meters(), waitMs: 1 },
    ...{ containers: stage.containers, gateway: stage.gateway },
  });
  const [token] = (await store.tokens.list(ada.id, { limit: 1 })).rows;
  const action = await impatient.create({
    ...{ user: ada, stack, service: 'db', tokenId: token?.id ?? 0 },
    ...{ sourceAddress: '192.0.2.1', client: 'test' },
  });
  await eventually('it ends', async () => {
    const session = await store.sessions.get(action.sessionId ?? 0);
    return session?.status === 'stopped' && session.endReason === 'unused';
  });
  await impatient.close();
});

test('nobody comes to a session once its time is over, ended or not', async () => {
  const { stage, ready } = shop;
  const id = await ready();
  const by = {
    ...({ node: 'node-a', kind: 'shell', login: 'root' } as const),
    ...{ ipAddress: '192.0.2.9', userAgent: 'SSH-2.0-x', approval: null },
  };
  const { containerSessions } = stage.store;
  const { expiresAt } = (await containerSessions.get(id)) ?? { expiresAt: new Date(0) };
  expect(await containerSessions.join(id, by, expiresAt)).toBeNull();
  expect(await containerSessions.join(id, by, new Date(expiresAt.getTime() - 1))).toMatchObject({
    id,
  });
});

test('a grant from elsewhere gives no session, and shows none', async () => {
  const { stage, usual, create } = shop;
  usual();
  const stack = await stage.store.stacks.getByName('shop');
  if (stack === null) throw new Error('no stack');
  const fay = await addUser(stage, `fay-${randomUUID()}`);
  const ends = { to: { userId: fay.id }, on: { stackId: stack.id } };
  await stage.store.grants.create(example.grant({ ...ends, fromNetworks: ['10.0.0.0/8'] }));
  const token = await tokenFor(stage, fay, ['redeploy']);
  const text = 'Insufficient permissions - User lacks SSH key download permissions';
  const refused = await create('shop', { service_name: 'web' }, token);
  expect(failure(refused)).toEqual([400, text]);
  expect(refused.body.details).toContain('from 192.0.2.1');
  const near = anotherApi(stage, { clientAddress: () => '10.1.2.3' });
  const path = '/v1/stacks/shop/sessions';
  const made = await call(near, 'POST', path, { token, body: { service_name: 'web' } });
  expect(made.status).toBe(200);
  const fetch = `${path}/fetch?service_name=web`;
  expect(await call(near, 'GET', fetch, { token })).toMatchObject({
    body: { service_name: 'web' },
  });
  expect(failure(await call(stage, 'GET', fetch, { token }))).toEqual([400, text]);
});

test('one that ends before its user came is in the figures as all others', async () => {
  const { stage, ready, adaToken } = shop;
  const figures = async () => {
    const samples = (await stage.deps.metrics()).flatMap(({ name, samples }) =>
      samples
        .filter(({ labels }) => labels?.['kind'] === 'shell')
        .filter(({ labels }) => (labels?.['reason'] ?? 'terminated') === 'terminated')
        .map(({ value }) => [name, value] as const),
    );
    const by = new Map(samples);
    return {
      started: by.get('postern_sessions_started_total') ?? 0,
      ended: by.get('postern_sessions_ended_total') ?? 0,
    };
  };
  const id = await ready();
  const before = await figures();
  await call(stage, 'DELETE', `/v1/sessions/${id}`, { token: adaToken });
  const after = await figures();
  expect(after.ended).toBe(before.ended + 1);
  expect(after.started).toBeGreaterThan(before.started);
});

test('sessions are found by their stack', async () => {
  const { get, ready } = shop;
  const id = await ready();
  const { id: stack } = (await get('/v1/stacks/shop')).body;
  const { id: other } = (await get('/v1/stacks/many')).body;
  const listed = async (asked: string): Promise<readonly string[]> => {
    const { body } = await get(`/v1/sessions?status=all&limit=100&stack_id=${asked}`);
    return body.data.sessions.map((one: { readonly id: string }) => one.id);
  };
  expect(await listed(String(stack))).toContain(`sess_${id}`);
  expect(await listed(`stk_${stack}`)).toContain(`sess_${id}`);
  expect(await listed(String(other))).not.toContain(`sess_${id}`);
});
