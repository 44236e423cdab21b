import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, openStage, type Stage, tokenFor } from './stage.ts';

/** What administrators did, with what was before and after; and all of it, to be kept elsewhere. */

let stage: Stage;
let admin: string;

beforeAll(async () => {
  stage = await openStage();
  admin = await tokenFor(stage, null, ['admin']);
});

afterAll(() => stage.close());

const ask = (method: string, path: string, body?: unknown) =>
  call(stage, method, path, { token: admin, ...(body === undefined ? {} : { body }) });

async function newest(type: string) {
  const { body } = await ask('GET', `/v1/audit?type=${type}&limit=1`);
  return body.data.events[0];
}

/** Texts that no answer about the audit may have. */
const SECRETS = [
  'correct-horse-battery',
  'second-horse-battery',
  'hunter2hunter2',
  'hunter3hunter3',
];

/** A public key as it goes over the wire. */
const ED25519 = `0000000b${Buffer.from('ssh-ed25519').toString('hex')}00000020${'5a'.repeat(32)}`;

describe('an administrative act', () => {
  test('on a user says what was before and after', async () => {
    const name = `u${Date.now()}`;
    const made = await ask('POST', '/v1/users', { name, role: 'member', password: SECRETS[0] });
    const path = `/v1/users/${made.body.data.id}`;
    expect(await newest('user.created')).toMatchObject({
      before: null,
      after: { name, role: 'member', email: null, has_password: true },
    });
    await ask('PATCH', path, { email: 'u@example.org', role: 'viewer', password: SECRETS[1] });
    expect(await newest('user.changed')).toMatchObject({
      before: { email: null, role: 'member' },
      after: { email: 'u@example.org', role: 'viewer' },
      detail: { fields: 'email role password' },
    });
    expect((await newest('user.changed')).after).not.toHaveProperty('name');
    await ask('DELETE', path);
    expect(await newest('user.removed')).toMatchObject({ before: { name }, after: null });
  });

  test('on a machine says what was before and after', async () => {
    const name = `m${Date.now()}`;
    const fields = { host: 'a.example.org', username: 'deploy', tags: { env: 'prod' } };
    const auth = { type: 'password', password: SECRETS[2] };
    const made = await ask('POST', '/v1/machines', { name, ...fields, auth });
    expect((await newest('machine.created')).after).toMatchObject({ name, auth_type: 'password' });
    const change = { host: 'b.example.org', auth: { type: 'password', password: SECRETS[3] } };
    await ask('PATCH', `/v1/machines/${made.body.data.id}`, change);
    expect(await newest('machine.changed')).toMatchObject({
      before: { host: 'a.example.org' },
      after: { host: 'b.example.org' },
    });
    await ask('DELETE', `/v1/machines/${made.body.data.id}`);
    expect((await newest('machine.removed')).before).toMatchObject({ host: 'b.example.org' });
  });

  test('on a group says who was in it before and after', async () => {
    const user = await ask('POST', '/v1/users', { name: `g${Date.now()}`, role: 'member' });
    const { id } = user.body.data;
    const made = await ask('POST', '/v1/groups', { name: `g${Date.now()}`, members: [id] });
    await ask('PATCH', `/v1/groups/${made.body.data.id}`, { members: [] });
    const { before, after } = await newest('group.changed');
    expect([before, after]).toEqual([{ members: [Number(id.slice(4))] }, { members: [] }]);
  });

  test('that takes something away says what it was', async () => {
    const name = `t${Date.now()}`;
    const token = await ask('POST', '/v1/tokens', { name, scopes: ['audit:read'] });
    await ask('DELETE', `/v1/tokens/${token.body.data.id}`);
    expect(await newest('token.revoked')).toMatchObject({ before: { name }, after: null });
    const wanted = { kind: 'key_id', value: name, reason: 'lost' };
    const revocation = await ask('POST', '/v1/revocations', wanted);
    await ask('DELETE', `/v1/revocations/${revocation.body.data.id}`);
    expect(await newest('revocation.removed')).toMatchObject({ before: wanted, after: null });
    const user = await ask('POST', '/v1/users', { name, role: 'member' });
    const keys = `/v1/users/${user.body.data.id}/keys`;
    const line = `ssh-ed25519 ${Buffer.from(ED25519, 'hex').toString('base64')} laptop`;
    const key = await ask('POST', keys, { key: line });
    await ask('DELETE', `${keys}/${key.body.data.id}`);
    expect(await newest('key.removed')).toMatchObject({ before: { comment: 'laptop' } });
  });

  test('over a set-up says it too', async () => {
    const name = `s${Date.now()}`;
    const user = { name, email: null, role: 'member', keys: [], password: null };
    await ask('POST', '/v1/setup', { users: [user] });
    await ask('POST', '/v1/setup', { users: [{ ...user, role: 'viewer' }] });
    expect(await newest('user.changed')).toMatchObject({
      before: { role: 'member' },
      after: { role: 'viewer' },
      detail: { by: 'setup' },
    });
  });

  test('never says a secret', async () => {
    const { body } = await ask('GET', '/v1/audit?limit=100');
    for (const secret of SECRETS) expect(JSON.stringify(body)).not.toContain(secret);
  });
});

describe('an export', () => {
  test('has every event, oldest first, as a JSON object a line', async () => {
    const { headers, body } = await ask('GET', '/v1/audit/export');
    expect(headers.get('content-type')).toBe('application/x-ndjson');
    const lines = body.trimEnd().split('\n');
    const events = lines.map((line: string) => JSON.parse(line));
    const ids = events.map(({ id }: { id: string }) => Number(id.slice(4)));
    expect(ids).toEqual(ids.toSorted((a: number, b: number) => a - b));
    expect(events.at(-1)).toMatchObject({ type: 'audit.exported', detail: { format: 'ndjson' } });
    const { head } = (await ask('POST', '/v1/audit/verification', {})).body.data;
    expect({ position: events.at(-1).position, hash: events.at(-1).hash }).toEqual(head);
    for (const secret of SECRETS) expect(body).not.toContain(secret);
  });

  test('finds by the filters of the list', async () => {
    const { body } = await ask('GET', '/v1/audit/export?type=group.changed');
    const types = body
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line).type);
    expect(new Set(types)).toEqual(new Set(['group.changed']));
    expect((await ask('GET', '/v1/audit/export?from=2100-01-01')).body).toBe('');
  });

  test('is a table as well, in which nothing is a formula', async () => {
    const base = { type: 'auth.failed', userId: null, machineId: null, sessionId: null } as const;
    const event = { ...base, at: new Date(), source: '192.0.2.1', detail: { user: 'a "b",\n' } };
    await stage.store.audit.append({ ...event, actor: '=HYPERLINK("http://x")' });
    const { headers, body } = await ask('GET', '/v1/audit/export?format=csv&type=auth.failed');
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [header, row] = body.split('\r\n');
    expect(header).toBe(
      'id,at,type,actor,user_id,machine_id,session_id,source,detail,before,after,position,hash',
    );
    expect(row).toContain(`auth.failed,"'=HYPERLINK(""http://x"")",,,,192.0.2.1,`);
    expect(row).toContain(String.raw`"{""user"":""a \""b\"",\n""}",,,`);
  });

  test('comes as it is read, and stops being read when nobody takes it', async () => {
    const response = await stage.api.request('/v1/audit/export', {
      headers: { authorization: `Bearer ${admin}` },
    });
    await response.body?.cancel();
    expect((await ask('GET', '/v1/audit?limit=1')).status).toBe(200);
  });
});

describe('a verification', () => {
  test('says that the audit is whole, and finds a link again that was kept', async () => {
    const { body } = await ask('POST', '/v1/audit/verification', {});
    expect(body.data).toMatchObject({ whole: true, problem: null, event: null });
    const { head } = body.data;
    await ask('POST', '/v1/groups', { name: `k${Date.now()}` });
    const kept = await ask('POST', '/v1/audit/verification', { head });
    expect(kept.body.data.whole).toBe(true);
    expect(kept.body.data.head.position).toBeGreaterThan(head.position);
    const other = { position: head.position, hash: '0'.repeat(64) };
    const lost = await ask('POST', '/v1/audit/verification', { head: other });
    expect(lost.body.data).toMatchObject({ whole: false, problem: 'head' });
  });
});
