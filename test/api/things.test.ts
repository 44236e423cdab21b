import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateHostKey } from '../../src/ssh/host-key.ts';
import { addUser, call, openStage, type Stage, tokenFor } from './stage.ts';

/** Machines, people, grants: made, read, changed, removed, and every bad field named. */

let stage: Stage;
let admin: string;

const key = generateHostKey().publicLine;
const SECRET = 'correct horse battery staple';

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

const machine = {
  name: 'db1',
  host: '10.0.0.9',
  username: 'postgres',
  auth: { type: 'password', password: SECRET },
};

describe('machines', () => {
  test('are made, read, changed, replaced and removed; the secret stays in', async () => {
    const made = await ask('POST', '/v1/machines', {
      ...machine,
      host_key: key,
      tags: { env: 'prod' },
    });
    expect(made.status).toBe(201);
    const { id } = made.body.data;
    expect(made.body.data).toMatchObject({
      name: 'db1',
      kind: 'ssh',
      port: 22,
      username: 'postgres',
      auth_type: 'password',
      tags: { env: 'prod' },
      jump_host: null,
      status: 'unused',
      recording: 'required',
      host_key: key.split(' ').slice(0, 2).join(' '),
      host_key_policy: 'accept-new',
      last_connected: null,
    });
    expect(made.body.data).toMatchObject({ algorithms: 'modern', shell_integration: null });
    const change = { port: 2200, algorithms: 'old', shell_integration: 'fish' };
    const changed = await ask('PATCH', `/v1/machines/${id}`, change);
    expect(changed.body.data).toMatchObject({ ...change, host: '10.0.0.9' });
    const { auth: _, ...rest } = machine;
    const replaced = await ask('PUT', `/v1/machines/${id}`, { ...rest, description: 'new' });
    expect(replaced.body.data).toMatchObject({
      port: 22,
      description: 'new',
      tags: {},
      auth_type: 'password',
      host_key: made.body.data.host_key,
    });
    const stored = await stage.store.machines.credential(Number(id.slice(4)));
    expect(stored?.type === 'password' && stored.password.expose()).toBe(SECRET);
    const listed = await ask('GET', '/v1/machines?search=db&status=unused');
    expect(listed.body.data.machines).toHaveLength(1);
    expect((await ask('GET', '/v1/machines?status=connected')).body.data.machines).toEqual([]);
    expect((await ask('GET', '/v1/machines?tag=env%3Dprod')).body.data.machines).toEqual([]);
    for (const { body } of [made, changed, replaced, listed]) {
      expect(JSON.stringify(body)).not.toContain(SECRET);
    }
    expect((await ask('DELETE', `/v1/machines/${id}`)).status).toBe(200);
    expect((await ask('DELETE', `/v1/machines/${id}`)).status).toBe(404);
    for (const type of ['machine.created', 'machine.changed', 'machine.removed']) {
      const events = await audited(type);
      expect(events[0]).toMatchObject({ actor: 't', source: '192.0.2.1', machine_id: id });
      expect(JSON.stringify(events)).not.toContain(SECRET);
    }
    expect(stage.log.lines.join('\n')).not.toContain(SECRET);
  });

  test('of one name there is one', async () => {
    await ask('POST', '/v1/machines', { ...machine, name: 'twin' });
    const again = await ask('POST', '/v1/machines', { ...machine, name: 'twin' });
    expect([again.status, again.body.error.code]).toEqual([409, 'CONFLICT']);
  });

  test.each([
    [{ name: 'a b' }, 'name'],
    [{ name: undefined }, 'name'],
    [{ host: 'a host' }, 'host'],
    [{ port: 0 }, 'port'],
    [{ port: '22' }, 'port'],
    [{ username: 'a\nb' }, 'username'],
    [{ kind: 'docker' }, 'host'],
    [{ engine: 'unix:///var/run/docker.sock' }, 'engine'],
    [{ container: 'a' }, 'container'],
    [{ shell: ['sh'] }, 'shell'],
    [{ host: undefined }, 'host'],
    [{ kind: 'nomad' }, 'kind'],
    [{ auth: undefined }, 'auth'],
    [{ auth: { type: 'smoke' } }, 'auth.type'],
    [{ auth: { type: 'agent', private_key: SECRET } }, 'auth.private_key'],
    [{ auth: { type: 'key' } }, 'auth.private_key'],
    [{ auth: { type: 'none', password: 'x' } }, 'auth.password'],
    [{ jump: 'gate' }, 'jump'],
    [{ jump_host: 'gate' }, 'jump_host'],
    [{ jump_host: 'a b' }, 'jump_host'],
    [{ recording: 'sometimes' }, 'recording'],
    [{ host_key: 'nonsense' }, 'host_key'],
    [{ host_key_policy: 'never' }, 'host_key_policy'],
    [{ tags: { 'a b': 'c' } }, 'tags.a b'],
    [{ tags: { a: 1 } }, 'tags.a'],
    [{ description: 'a\0b' }, 'description'],
    [{ tags: { a: '\0' } }, 'tags.a'],
    [{ passphrase: SECRET }, 'passphrase'],
  ])('with %j are refused, naming %s', async (wrong, field) => {
    const { status, body } = await ask('POST', '/v1/machines', { ...machine, ...wrong });
    expect([status, fieldsOf(body)]).toEqual([400, [field]]);
    expect(JSON.stringify(body)).not.toContain(SECRET);
  });

  test('that were not granted are not there for others than admins', async () => {
    const carol = await addUser(stage, 'carol');
    const token = await tokenFor(stage, carol, ['machines:read']);
    const granted = await ask('POST', '/v1/machines', { ...machine, name: 'granted' });
    const hidden = await ask('POST', '/v1/machines', { ...machine, name: 'hidden' });
    const on = { machine_id: granted.body.data.id };
    await ask('POST', '/v1/grants', { to: { user: 'carol' }, on, allow: ['shell'] });
    const seen = await ask('GET', '/v1/machines', undefined, token);
    expect(seen.body.data.machines.map(({ name }: { name: string }) => name)).toEqual(['granted']);
    expect((await ask('GET', `/v1/machines/${on.machine_id}`, undefined, token)).status).toBe(200);
    const other = await ask('GET', `/v1/machines/${hidden.body.data.id}`, undefined, token);
    expect(other.status).toBe(404);
  });
});

test('half a surrogate pair in a text is stored as what stands for it', async () => {
  const made = await ask('POST', '/v1/machines', {
    ...machine,
    name: 'half',
    description: '\ud800',
  });
  expect([made.status, made.body.data.description]).toEqual([201, '\ufffd']);
});

describe('users', () => {
  test('are made, read, changed, replaced and removed; the password stays in', async () => {
    const made = await ask('POST', '/v1/users', {
      name: 'dora',
      email: 'd@example.org',
      password: SECRET,
    });
    expect(made.status).toBe(201);
    const { id } = made.body.data;
    expect(made.body.data).toMatchObject({ name: 'dora', role: 'member', has_password: true });
    const hash = await stage.store.users.passwordHash(Number(id.slice(4)));
    expect(await stage.deps.passwords.verify(SECRET, hash)).toBe(true);
    const changed = await ask('PATCH', `/v1/users/${id}`, { password: null, disabled: true });
    expect(changed.body.data).toMatchObject({ has_password: false, disabled: true });
    const replaced = await ask('PUT', `/v1/users/${id}`, { name: 'dorothy', role: 'viewer' });
    expect(replaced.body.data).toMatchObject({ email: null, role: 'viewer', disabled: false });
    const one = await ask('GET', `/v1/users/${id}`);
    expect(one.body.data).toMatchObject({ machine_access: [], permissions: expect.any(Array) });
    const listed = await ask('GET', '/v1/users?role=viewer&search=doro');
    expect(listed.body.data.users).toHaveLength(1);
    expect((await ask('DELETE', `/v1/users/${id}`)).status).toBe(200);
    expect((await ask('GET', `/v1/users/${id}`)).status).toBe(404);
    const events = await Promise.all(['user.created', 'user.changed', 'user.removed'].map(audited));
    expect(events.every(([event]) => event?.user_id === id)).toBe(true);
    expect(JSON.stringify(events)).not.toContain(SECRET);
  });

  test.each([
    [{ name: 'no spaces' }, 'name'],
    [{ name: 'a+b' }, 'name'],
    [{ email: 'nobody' }, 'email'],
    [{ role: 'king' }, 'role'],
    [{ password: 'short' }, 'password'],
    [{ password: 'ü'.repeat(600) }, 'password'],
    [{ totp: 'yes' }, 'totp'],
  ])('with %j are refused, naming %s', async (wrong, field) => {
    const { status, body } = await ask('POST', '/v1/users', { name: 'x', ...wrong });
    expect([status, fieldsOf(body)]).toEqual([400, [field]]);
  });

  test('cannot be made admins with users:write', async () => {
    const boss = await addUser(stage, 'boss', 'admin');
    const token = await tokenFor(stage, boss, ['users:write']);
    const tries = [
      ask('POST', '/v1/users', { name: 'eve', role: 'admin' }, token),
      ask('PATCH', `/v1/users/${boss.id}`, { password: SECRET }, token),
      ask('POST', `/v1/users/${boss.id}/keys`, { key }, token),
    ];
    for (const { status } of await Promise.all(tries)) expect(status).toBe(403);
    expect((await ask('POST', '/v1/users', { name: 'finn' }, token)).status).toBe(201);
  });

  test('have keys, each once', async () => {
    const gus = await addUser(stage, 'gus');
    const path = `/v1/users/${gus.id}/keys`;
    const added = await ask('POST', path, { key: `${key} gus@laptop` });
    expect(added.status).toBe(201);
    expect(added.body.data).toMatchObject({ algorithm: 'ssh-ed25519', comment: 'gus@laptop' });
    expect(added.body.data.fingerprint).toMatch(/^SHA256:/);
    expect((await ask('POST', path, { key })).status).toBe(409);
    const bad = await ask('POST', path, { key: 'ssh-ed25519 AAAA' });
    expect([bad.status, fieldsOf(bad.body)]).toEqual([400, ['key']]);
    expect((await ask('GET', path)).body.data.keys).toHaveLength(1);
    expect((await ask('DELETE', `${path}/${added.body.data.id}`)).status).toBe(200);
    expect((await ask('DELETE', `${path}/${added.body.data.id}`)).status).toBe(404);
    expect(await audited('key.removed')).toHaveLength(1);
  });
});

describe('groups and grants', () => {
  test('are made, read and removed, a group not while a grant names it', async () => {
    const hal = await addUser(stage, 'hal');
    const made = await ask('POST', '/v1/groups', { name: 'ops', members: [`usr_${hal.id}`] });
    expect(made.body.data.members).toEqual([{ id: `usr_${hal.id}`, name: 'hal' }]);
    const { id } = made.body.data;
    const granted = await ask('POST', '/v1/grants', {
      to: { group: 'ops' },
      on: { tag: { key: 'env', value: 'prod' } },
      allow: ['shell', 'exec'],
      logins: ['root'],
      from_networks: ['10.0.0.0/8', '2001:db8::/32'],
      forward_to: ['127.0.0.1:5432', '10.0.0.0/24:80'],
      until: '2030-01-01T00:00:00Z',
      max_session: 3600,
      shell_integration: true,
    });
    expect(granted.body.data).toMatchObject({
      to: { group: { id, name: 'ops' } },
      on: { tag: { key: 'env', value: 'prod' } },
      until: '2030-01-01T00:00:00.000Z',
      max_session: 3600,
      idle_timeout: null,
      shell_integration: true,
    });
    expect((await ask('DELETE', `/v1/groups/${id}`)).status).toBe(409);
    const grant = `/v1/grants/${granted.body.data.id}`;
    expect((await ask('GET', grant)).body.data).toEqual(granted.body.data);
    expect((await ask('GET', `/v1/grants?group_id=${id}`)).body.data.grants).toHaveLength(1);
    expect((await ask('DELETE', grant)).status).toBe(200);
    expect((await ask('GET', grant)).status).toBe(404);
    expect((await ask('PATCH', `/v1/groups/${id}`, { members: [] })).body.data.members).toEqual([]);
    const kept = await ask('PATCH', `/v1/groups/${id}`, { retention: 86_400 });
    expect(kept.body.data).toMatchObject({ members: [], retention: 86_400 });
    expect((await ask('PATCH', `/v1/groups/${id}`, {})).status).toBe(400);
    expect((await ask('PATCH', `/v1/groups/${id}`, { retention: -1 })).status).toBe(400);
    expect((await ask('GET', '/v1/groups')).body.data.groups).toHaveLength(1);
    expect((await ask('DELETE', `/v1/groups/${id}`)).status).toBe(200);
    expect((await ask('GET', `/v1/groups/${id}`)).status).toBe(404);
  });

  test.each([
    [{ to: { user: 'nobody' } }, 'to.user'],
    [{ to: { user: 'a\0b' } }, 'to.user'],
    [{ on: { machine: 'a\0b' } }, 'on.machine'],
    [{ on: { tag: { key: 'env', value: 'a\0b' } } }, 'on.tag.value'],
    [{ to: { user_id: 'usr_99999' } }, 'to.user_id'],
    [{ to: { user: 'ivy', group: 'ops' } }, 'to'],
    [{ to: {} }, 'to'],
    [{ on: { machine: 'nowhere' } }, 'on.machine'],
    [{ on: { stack: 'shop' } }, 'on.stack'],
    [{ allow: ['shell', 'root'] }, 'allow[1]'],
    [{ allow: undefined }, 'allow'],
    [{ from_networks: ['10.0.0.0/33'] }, 'from_networks[0]'],
    [{ forward_to: ['anywhere'] }, 'forward_to[0]'],
    [{ until: 'tomorrow' }, 'until'],
    [{ max_session: '8h' }, 'max_session'],
    [{ mfa: 'yes' }, 'mfa'],
    [{ approval: {} }, 'approval.by'],
    [{ approval: { by: { group: 'nobodies' } } }, 'approval.by.group'],
    [{ approval: { by: { user: 'ivy' } } }, 'approval.by'],
  ])('with %j are refused, naming %s', async (wrong, field) => {
    if ((await stage.store.users.getByName('ivy')) === null) await addUser(stage, 'ivy');
    const grant = { to: { user: 'ivy' }, on: { tag: { key: 'a', value: 'b' } }, allow: ['shell'] };
    const { status, body } = await ask('POST', '/v1/grants', { ...grant, ...wrong });
    expect(status, JSON.stringify(body)).toBe(400);
    expect(fieldsOf(body)).toContain(field);
  });

  test('name a member that is nobody', async () => {
    const { body } = await ask('POST', '/v1/groups', { name: 'g', members: ['usr_99999'] });
    expect(fieldsOf(body)).toEqual(['members[0]']);
  });
});
