import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, openStage, type Stage, tokenFor } from './stage.ts';

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
