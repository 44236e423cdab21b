import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { failure, openShop, type Shop, TIME, UNPERMITTED } from './shop.ts';
import { call } from './stage.ts';

/** What public clients of Cloud 66 send, and what they read. */

let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});

afterAll(() => shop.close());

test('the wire form of Cloud 66: POST sessions.json, GET actions/:id.json, GET sessions/fetch.json', async () => {
  const { stage, usual, get, adaToken } = shop;
  usual();
  const { uid } = (await get('/v1/stacks/shop')).body;
  const path = `/api/3/stacks/${uid}`;
  const options = { token: adaToken, body: { service_name: 'web' } };
  const made = await call(stage, 'POST', `${path}/sessions.json`, options);
  expect(made.status).toBe(200);
  const result = {
    ...{ id: expect.any(Number), user: 'ada', resource_type: 'stack', resource_id: uid },
    ...{ action: 'create_session', started_via: 'api', started_at: expect.stringMatching(TIME) },
    ...{ finished_at: null, finished_success: null, finished_message: null },
  };
  expect(made.body).toEqual({ response: result });
  const { id } = made.body.response;
  const done = await eventually('it finishes', async () => {
    const { body } = await get(`${path}/actions/${id}.json`);
    return body.response.finished_at === null ? null : body;
  });
  expect(done.response).toMatchObject({ id, finished_success: true });
  const { status, body } = await get(`${path}/sessions/fetch.json?page=1&service_name=web`);
  expect(status).toBe(200);
  const { response } = body;
  expect(response).toMatchObject({
    ...{ uid: String(response.id), title: 'web of shop', service_name: 'web', status: 'active' },
    ...{ namespace: '', deployment_name: '', pod_name: '', container_name: 'shop-web-1' },
    command: `ssh -p 2222 ${response.connection_info.username}@127.0.0.1`,
  });
  const byId = await get(`${path}/sessions/fetch.json?page=1&session_id=${response.id}`);
  expect(byId.body).toEqual(body);
});

test('the wire form of Cloud 66: stacks, services and containers', async () => {
  const { engine, usual, get } = shop;
  usual();
  const stacks = (await get('/api/3/stacks.json')).body;
  expect(stacks).toMatchObject({
    count: 5,
    pagination: { previous: null, next: null, current: 1 },
  });
  const { uid } = stacks.response.find(({ name }: { name: string }) => name === 'shop');
  expect((await get(`/api/3/stacks/${uid}.json`)).body.response).toMatchObject({
    ...{ uid, name: 'shop', framework: 'docker' },
  });
  const services = (await get(`/api/3/stacks/${uid}/services.json`)).body;
  expect(services).toMatchObject({ count: 2, response: [{ name: 'db' }, { name: 'web' }] });
  const containers = (await get(`/api/3/stacks/${uid}/containers.json`)).body;
  expect(containers.response).toMatchObject([
    { name: 'shop-db-1', service_name: 'db' },
    { name: 'shop-web-1', service_name: 'web', uid: engine.idOf('shop-web-1') },
  ]);
  expect((await get(`/api/3/stacks/${uid}`)).body.details).toContain('must end in .json');
});

test('the wire form of Cloud 66: errors', async () => {
  const { stage, get, danToken } = shop;
  const path = '/api/3/stacks/shop/sessions';
  const body = { service_name: 'web' };
  expect(failure(await call(stage, 'POST', `${path}.json`, { token: danToken, body }))).toEqual([
    ...[400, UNPERMITTED],
  ]);
  expect(failure(await get(`${path}/fetch.json?page=1&session_id=77777777`))).toEqual([
    400,
    'Invalid session - Session not found or inaccessible',
  ]);
});
