import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, addMachine, call, openStage, type Stage, tokenFor } from './stage.ts';

let stage: Stage;
let admin: string;
let machine: number;

beforeAll(async () => {
  stage = await openStage();
  admin = await tokenFor(stage, null, ['admin']);
  machine = (await addMachine(stage, 'web1')).id;
});

afterAll(() => stage.close());

function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  return call(stage, method, `/v1/${path}`, { token: admin, ...(body ? { body } : {}) });
}

test('a rule is made, listed and removed, and is in the audit', async () => {
  const made = await ask('POST', 'alert-rules', {
    ...{ name: 'deletes', pattern: 'rm\\s+-rf', kind: 'command', machine_id: `mch_${machine}` },
  });
  expect(made).toMatchObject({
    status: 201,
    body: { data: { name: 'deletes', kind: 'command', machine: { name: 'web1' }, group: null } },
  });
  const again = await ask('POST', 'alert-rules', { name: 'deletes', pattern: 'x' });
  expect(again.status).toBe(409);
  const listed = await ask('GET', 'alert-rules');
  expect(listed.body.data.alert_rules).toMatchObject([{ name: 'deletes', pattern: 'rm\\s+-rf' }]);
  const { id } = made.body.data;
  expect((await ask('DELETE', `alert-rules/${id}`)).status).toBe(200);
  expect((await ask('DELETE', `alert-rules/${id}`)).status).toBe(404);
  for (const type of ['alert_rule.created', 'alert_rule.removed'] as const) {
    const { rows } = await stage.store.audit.list({ type }, { limit: 10 });
    expect(rows).toMatchObject([{ detail: { name: 'deletes' } }]);
  }
});

test.each([
  [{ name: 'x', pattern: '(' }, 'pattern'],
  [{ name: 'x', pattern: 'a*' }, 'pattern'],
  [{ name: 'x', pattern: '' }, 'pattern'],
  [{ name: 'no name', pattern: 'abc' }, 'name'],
  [{ name: 'x', pattern: 'abc', kind: 'input' }, 'kind'],
  [{ name: 'x', pattern: 'abc', machine_id: '1', group_id: '1' }, 'group_id'],
])('%j is refused, with the field', async (body, field) => {
  const { status, body: answer } = await ask('POST', 'alert-rules', body);
  expect(status).toBe(400);
  expect(answer.error.details).toMatchObject([{ field }]);
});

test('rules are for admins', async () => {
  const token = await tokenFor(stage, null, ['audit:read']);
  expect((await call(stage, 'GET', '/v1/alert-rules', { token })).status).toBe(403);
});

test('a set-up makes rules what it says, and leaves them where it says nothing', async () => {
  const rule = { name: 'mkfs', pattern: 'mkfs', kind: null, machine: 'web1', group: null };
  const names = async () =>
    (await ask('GET', 'alert-rules')).body.data.alert_rules.map(
      ({ name, pattern }: { name: string; pattern: string }) => `${name} ${pattern}`,
    );
  const first = await ask('POST', 'setup', { alerts: [rule] });
  expect(first.body.data.changes).toMatchObject([{ action: 'create', kind: 'alert_rule' }]);
  expect((await ask('POST', 'setup', { alerts: [rule] })).body.data.changes).toEqual([]);
  const changed = await ask('POST', 'setup', { alerts: [{ ...rule, pattern: 'mkfs\\.' }] });
  expect(changed.body.data.changes).toMatchObject([{ action: 'update', fields: ['pattern'] }]);
  expect(await names()).toEqual(['mkfs mkfs\\.']);
  await ask('POST', 'setup', {});
  expect(await names()).toEqual(['mkfs mkfs\\.']);
  const wrong = await ask('POST', 'setup', { alerts: [{ ...rule, machine: 'nowhere' }] });
  expect(wrong.body.error.details).toMatchObject([{ field: 'alerts[0].machine' }]);
  const bad = await ask('POST', 'setup', { alerts: [{ ...rule, pattern: '(' }] });
  expect(bad.body.error.details).toMatchObject([{ field: 'alerts[0].pattern' }]);
  expect(await names()).toEqual(['mkfs mkfs\\.']);
  await ask('POST', 'setup', {
    alerts: [{ ...rule, name: 'other' }],
    machines: [
      {
        ...{ name: 'web1', kind: 'ssh', host: 'h', port: 22, login: 'l', auth: { type: 'none' } },
        ...{ host_key: null, host_key_policy: 'strict', recording: 'required', tags: {} },
        description: '',
      },
    ],
    prune: true,
  });
  expect(await names()).toEqual(['other mkfs']);
});
