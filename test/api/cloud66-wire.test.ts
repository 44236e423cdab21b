import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { running } from '../support/test-engine.ts';
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

/** As the public Go client decodes them: `int` of a string would be an error of its own. */
const STRING = expect.any(String);
const TIMED = expect.stringMatching(TIME);
const CONTAINER = {
  ...{ uid: STRING, name: STRING, server_uid: STRING, server_name: STRING, service_name: STRING },
  ...{ image: STRING, command: STRING, ports: [], private_ip: STRING, docker_ip: STRING },
  ...{ health_state: expect.any(Number), health_message: STRING, health_source: STRING },
  ...{ started_at: TIMED, created_at: TIMED, updated_at: TIMED },
};
const SERVICE = {
  ...{ name: STRING, source_type: STRING, git_ref: STRING, image_name: STRING, image_uid: STRING },
  ...{ image_tag: STRING, command: STRING, build_command: STRING, deploy_command: STRING },
  ...{ wrap_command: STRING, desired_count: expect.any(Number) },
};

test('the wire form of Cloud 66: fields have the types that its Go client reads', async () => {
  const { engine, usual, get } = shop;
  usual();
  const [web] = running('shop', 'web').map((one) => ({ ...one, health: 'unhealthy' as const }));
  engine.containers = [...engine.containers.filter(({ name }) => name !== web?.name), web].flatMap(
    (one) => one ?? [],
  );
  const service = await eventually('its health is known', async () => {
    const { body } = await get('/api/3/stacks/shop/services/web.json?page=1');
    return body.response.containers[0]?.health_state === 2 ? body.response : null;
  });
  expect(service).toEqual({ ...SERVICE, containers: [CONTAINER] });
  const { response: stack } = (await get('/api/3/stacks/shop.json')).body;
  expect(stack).toMatchObject({ status: 1, health: 3, namespaces: [''], is_cluster: false });
  const path = `/api/3/stacks/${stack.uid}/containers`;
  const { response: one } = (await get(`${path}/${engine.idOf('shop-db-1')}.json`)).body;
  expect(one).toEqual(CONTAINER);
  expect(one).toMatchObject({ name: 'shop-db-1', health_state: 3, health_message: 'none' });
  expect((await get(`${path}/${'0'.repeat(64)}.json`)).status).toBe(404);
  expect((await get('/api/3/stacks/shop/services/nope.json')).status).toBe(400);
});

test.each([
  ['stacks.json?page=1&filter_name=SHO&filter_environment=&filter_git_repo=&filter_git_branch=', 1],
  ['stacks.json?filter_name=o&filter_environment=production', 3],
  ['stacks.json?filter_environment=staging', 0],
  ['stacks.json?filter_git_repo=x', 0],
  ['stacks/shop/services.json?page=1&server_uid=', 2],
  ['stacks/shop/services.json?server_uid=x', 0],
  ['stacks/shop/containers.json?page=1&service_name=web', 1],
  ['stacks/shop/containers.json?service_name=&server_uid=', 2],
  ['stacks/shop/containers.json?server_uid=x', 0],
])('the wire form of Cloud 66: filters that its clients send: %s', async (path, count) => {
  const { usual, get } = shop;
  usual();
  const found = await eventually('the engine has told', async () => {
    const { body } = await get(`/api/3/${path}`);
    return body.count === count ? body : null;
  });
  expect(found.response).toHaveLength(count);
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
