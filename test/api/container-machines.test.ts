import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONSOLE_COOKIE, hashBearer, newBearer } from '../../src/domain/bearer.ts';
import { createConsole } from '../../src/web/console.ts';
import { grant, stack } from '../store/examples.ts';
import { consoleDeps } from '../web/deps.ts';
import { addUser, call, openStage, type Stage, tokenFor } from './stage.ts';

let stage: Stage;
let admin: string;

beforeAll(async () => {
  stage = await openStage();
  admin = await tokenFor(stage, null, ['admin']);
});
afterAll(() => stage.close());

const ask = (method: string, path: string, body?: unknown) =>
  call(stage, method, path, { token: admin, ...(body === undefined ? {} : { body }) });

test('machines of kind docker are containers, which have other fields', async () => {
  const engine = 'unix:///var/run/docker.sock';
  const box = { name: 'box', kind: 'docker', engine, container: 'shop-web-1', username: 'root' };
  const made = await ask('POST', '/v1/machines', box);
  const { id } = made.body.data;
  expect(made.body.data).toMatchObject({
    ...box,
    ...{ host: 'shop-web-1', port: 0, shell: [], auth_type: 'none', host_key: null },
  });
  const service = { stack: 'shop', service: 'web' };
  const changed = await ask('PATCH', `/v1/machines/${id}`, {
    container: service,
    shell: ['ash'],
  });
  expect(changed.body.data).toMatchObject({
    ...{ engine, container: service, shell: ['ash'], host: 'shop/web' },
  });
  const replaced = await ask('PUT', `/v1/machines/${id}`, box);
  expect(replaced.body.data).toMatchObject({ container: 'shop-web-1', shell: [] });
  const read = await ask('GET', `/v1/machines/${id}`);
  expect(read.body.data).toMatchObject({ container: 'shop-web-1' });
  for (const [method, wrong, field] of [
    ['PATCH', { host: '10.0.0.9' }, 'host'],
    ['PATCH', { kind: 'ssh' }, 'kind'],
    ['PATCH', { engine: 'http://10.0.0.1' }, 'engine'],
    ['PATCH', { container: 'a b' }, 'container'],
    ['PATCH', { shell: ['bin/sh'] }, 'shell[0]'],
    ['PUT', { ...box, engine: undefined }, 'engine'],
    ['PUT', { ...box, auth: { type: 'agent' } }, 'auth'],
  ] as const) {
    const { status, body } = await ask(method, `/v1/machines/${id}`, wrong);
    expect([status, body.error?.details?.[0]?.field ?? body]).toEqual([400, field]);
  }
  const auth = { type: 'bastion_key' };
  const behind = { name: 'behind', host: 'h', username: 'u', auth, jump_host: 'box' };
  const refused = await ask('POST', '/v1/machines', behind);
  expect(JSON.stringify(refused.body)).toContain('box is a container, and leads nowhere');
  expect((await ask('DELETE', `/v1/machines/${id}`)).status).toBe(200);
});

test('where an engine or a cluster is, who is no administrator reads nowhere', async () => {
  const { store } = stage;
  const [engine, cluster] = ['tcp://engine.internal:2376', 'arn:aws:eks:cluster/prod'];
  const name = randomUUID();
  const user = await addUser(stage, `u-${name}`);
  const { id: stackId } = await store.stacks.create(stack({ name: `s-${name}`, engine }));
  const box = { name: `box-${name}`, kind: 'docker', engine, container: 'web-1', username: 'root' };
  const pod = { name: `pod-${name}`, kind: 'kubernetes', cluster, namespace: 'shop', pod: 'web-1' };
  const made = [await ask('POST', '/v1/machines', box), await ask('POST', '/v1/machines', pod)];
  expect(made.map(({ body }) => body.data)).toMatchObject([{ engine }, { cluster }]);
  const ids: string[] = made.map(({ body }) => body.data.id);
  const to = { userId: user.id };
  for (const id of ids) {
    await store.grants.create(grant({ to, on: { machineId: Number(id.slice('mch_'.length)) } }));
  }
  await store.grants.create(grant({ to, on: { stackId } }));
  const token = await tokenFor(stage, user, ['machines:read', 'redeploy']);
  const told: string[] = [];
  for (const path of [
    ...['/v1/machines', ...ids.map((id) => `/v1/machines/${id}`)],
    ...['/v1/stacks', `/v1/stacks/s-${name}`, `/v1/stacks/s-${name}/services`],
    '/api/3/stacks.json',
  ]) {
    told.push(JSON.stringify((await call(stage, 'GET', path, { token })).body));
  }
  expect(told[0]).toContain(box.name);
  expect(told[1]).toContain('"engine":null');
  const secret = newBearer();
  await store.tokens.create({
    ...{ userId: user.id, kind: 'web', name, scopes: ['sessions:read', 'sessions:write'] },
    ...{ expiresAt: null, hash: await hashBearer(secret) },
  });
  const web = createConsole(consoleDeps(stage));
  const headers = { cookie: `${CONSOLE_COOKIE}=${secret}` };
  for (const path of ['/terminal', '/stacks']) {
    told.push(await (await web.request(`http://127.0.0.1:8080${path}`, { headers })).text());
  }
  expect(told.at(-2)).toContain(box.name);
  expect(told.at(-1)).toContain(`s-${name}`);
  for (const one of told) expect(one).not.toMatch(/engine\.internal|arn:aws/);
  const read = await ask('GET', `/v1/machines/${ids[0]}`);
  expect(read.body.data).toMatchObject({ engine });
});
