import { randomBytes } from 'node:crypto';
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

/** Not what an earlier try has left. */
const fresh = (name: string): string => `${name}-${randomBytes(4).toString('hex')}`;

test('machines of kind kubernetes are pods, by name or by labels', async () => {
  const place = { cluster: 'prod', namespace: 'shop' };
  const name = fresh('web');
  const made = await ask('POST', '/v1/machines', {
    ...{ name, kind: 'kubernetes', ...place, selector: { app: 'web', tier: 'front' } },
  });
  expect(made.status).toBe(201);
  const { id } = made.body.data;
  expect(made.body.data).toMatchObject({
    ...{ ...place, pod: null, selector: { app: 'web', tier: 'front' }, container: null },
    ...{ host: 'shop/app=web,tier=front', port: 0, shell: [], engine: null },
    ...{ auth_type: 'none', username: 'container', host_key: null },
  });
  const changed = await ask('PATCH', `/v1/machines/${id}`, {
    ...{ pod: 'web-0', container: 'nginx', shell: ['ash'], username: 'container' },
  });
  expect(changed.body.data).toMatchObject({
    ...{ ...place, pod: 'web-0', selector: null, container: 'nginx', shell: ['ash'] },
    host: 'shop/web-0',
  });
  const freed = await ask('PATCH', `/v1/machines/${id}`, { container: null });
  expect(freed.body.data).toMatchObject({ pod: 'web-0', container: null, shell: ['ash'] });
  const replaced = await ask('PUT', `/v1/machines/${id}`, {
    ...{ name, kind: 'kubernetes', cluster: 'in-cluster', namespace: 'jobs', pod: 'q-1' },
  });
  expect(replaced.body.data).toMatchObject({
    ...{ cluster: 'in-cluster', namespace: 'jobs', pod: 'q-1', selector: null, shell: [] },
  });
  const read = await ask('GET', `/v1/machines/${id}`);
  expect(read.body.data).toMatchObject({ pod: 'q-1', container: null, host: 'jobs/q-1' });
  expect((await ask('DELETE', `/v1/machines/${id}`)).status).toBe(200);
});

test('what is wrong with one is named', async () => {
  const name = fresh('pod');
  const whole = { name, kind: 'kubernetes', cluster: 'prod', namespace: 'shop', pod: 'a' };
  const made = await ask('POST', '/v1/machines', whole);
  const { id } = made.body.data;
  for (const [method, path, wrong, field] of [
    ['POST', '', { ...whole, cluster: undefined }, 'cluster'],
    ['POST', '', { ...whole, cluster: 'a b' }, 'cluster'],
    ['POST', '', { ...whole, namespace: undefined }, 'namespace'],
    ['POST', '', { ...whole, namespace: '../kube-system' }, 'namespace'],
    ['POST', '', { ...whole, pod: undefined }, 'pod'],
    ['POST', '', { ...whole, pod: 'a/b' }, 'pod'],
    ['POST', '', { ...whole, selector: { app: 'web' } }, 'selector'],
    ['POST', '', { ...whole, pod: undefined, selector: {} }, 'selector'],
    ['POST', '', { ...whole, pod: undefined, selector: { app: 'a,b=c' } }, 'selector'],
    ['POST', '', { ...whole, container: { stack: 'a', service: 'b' } }, 'container'],
    ['POST', '', { ...whole, username: 'root' }, 'username'],
    ['POST', '', { ...whole, host: '10.0.0.1' }, 'host'],
    ['POST', '', { ...whole, engine: 'unix:///var/run/docker.sock' }, 'engine'],
    ['POST', '', { ...whole, auth: { type: 'agent' } }, 'auth'],
    ['POST', '', { name, host: 'h', username: 'u', cluster: 'prod' }, 'cluster'],
    ['POST', '', { name, host: 'h', auth: { type: 'agent' } }, 'username'],
    ['PATCH', `/${id}`, { username: 'root' }, 'username'],
    ['PATCH', `/${id}`, { kind: 'ssh' }, 'kind'],
    ['PATCH', `/${id}`, { pod: 'b', selector: { app: 'web' } }, 'selector'],
    ['PUT', `/${id}`, { ...whole, pod: undefined }, 'pod'],
    ['PUT', `/${id}`, { ...whole, username: 'root' }, 'username'],
  ] as const) {
    const { status, body } = await ask(method, `/v1/machines${path}`, wrong);
    expect([status, body.error?.details?.[0]?.field ?? body]).toEqual([400, field]);
  }
  const auth = { type: 'bastion_key' };
  const behind = { name: fresh('behind'), host: 'h', username: 'u', auth, jump_host: name };
  const refused = await ask('POST', '/v1/machines', behind);
  expect(JSON.stringify(refused.body)).toContain(`${name} is a container, and leads nowhere`);
  expect((await ask('DELETE', `/v1/machines/${id}`)).status).toBe(200);
});

test('a set-up may have them, and applied again it changes nothing', async () => {
  const name = fresh('applied');
  const machine = {
    ...{ name, kind: 'kubernetes', cluster: 'prod', namespace: 'shop' },
    ...{ selector: { app: 'web' }, container: 'nginx', shell: [], login: 'container' },
    ...{ recording: 'required', tags: {}, description: '' },
  };
  const apply = async (one: object) =>
    (await ask('POST', '/v1/setup', { machines: [one], dry_run: false, prune: false })).body;
  expect(await apply(machine)).toMatchObject({
    data: { changes: [{ action: 'create', kind: 'machine', name }] },
  });
  expect(await apply(machine)).toMatchObject({ data: { changes: [] } });
  expect(await apply({ ...machine, container: null })).toMatchObject({
    data: { changes: [{ action: 'update', fields: ['pod'] }] },
  });
  expect(await apply({ ...machine, login: 'root' })).toMatchObject({
    error: { details: [{ field: 'machines[0].login' }] },
  });
});
