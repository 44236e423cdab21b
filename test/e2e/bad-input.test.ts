import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bastion, MAIN, startBastion } from '../support/bastion.ts';
import { run } from '../support/run.ts';
import { type Scratch, scratch } from '../support/scratch.ts';

let bastion: Bastion;
let files: Scratch;
beforeAll(async () => {
  files = scratch();
  bastion = await startBastion();
});
afterAll(async () => {
  await bastion[Symbol.asyncDispose]();
  files[Symbol.dispose]();
});

test('settings that are wrong are all named, with a status of 2', async () => {
  const done = await run(process.execPath, [MAIN, 'serve'], {
    env: {
      POSTERN_DATA_DIR: files.join('never'),
      POSTERN_SSH_LISTEN: 'nowhere at all',
      POSTERN_HTTP_LISTEN: '127.0.0.1:99999',
      POSTERN_WORKERS: 'many',
      DATABASE_URL: 'mysql://db/postern',
    },
  });
  expect(done.status).toBe(2);
  for (const name of [
    'POSTERN_SSH_LISTEN',
    'POSTERN_HTTP_LISTEN',
    'POSTERN_WORKERS',
    'DATABASE_URL',
  ]) {
    expect(done.stderr).toContain(name);
  }
});

test.each([
  [['no-such-command'], 'no-such-command'],
  [['serve', '--no-such-option'], '--no-such-option'],
  [['apply'], 'FILE'],
])('the command line %j is wrong usage, status 2', async (args, named) => {
  const done = await bastion.cli(...args);
  expect(done.status).toBe(2);
  expect(done.stderr.toLowerCase()).toContain(named.toLowerCase());
});

test.each([
  ['a field that there is not', 'users:\n  - name: alice\n    colour: red\n', /colour/, 3],
  ['a name that is none', 'users:\n  - name: "a b"\n', /name/, 2],
  ['a key that is none', 'users:\n  - name: alice\n    keys: [ssh-rsa nonsense]\n', /keys/, 3],
  [
    'a machine that there is not',
    'users:\n  - name: alice\ngrants:\n  - to: { user: alice }\n    on: { machine: web9 }\n    allow: [exec]\n',
    /web9/,
    5,
  ],
  [
    'a capability that there is not',
    'grants:\n  - to: { user: alice }\n    on: { machine: web1 }\n    allow: [fly]\n',
    /fly/,
    4,
  ],
  [
    'a port beyond all ports',
    'machines:\n  - name: m\n    kind: ssh\n    host: h\n    port: 70000\n    login: l\n    auth: { bastion_key: true }\n',
    /port/,
    5,
  ],
  ['no YAML at all', 'users: [\n', /./, 2],
])('a setup with %s changes nothing and is told the line', async (_what, yaml, named, line) => {
  const file = files.join('setup.yaml');
  writeFileSync(file, yaml);
  const done = await bastion.cli('apply', file);
  expect(done.status).toBe(1);
  expect(done.stderr).toMatch(named);
  expect(done.stderr).toMatch(new RegExp(`(?:line |:)${line}\\b`));
  expect((await bastion.api('users')).text).not.toContain('"alice"');
});

test.each([
  ['GET', 'sessions?status=sideways', 'status'],
  ['GET', 'sessions?limit=1000', 'limit'],
  ['GET', 'sessions?from=yesterday', 'from'],
  ['GET', 'sessions?colour=red', 'colour'],
  ['GET', 'sessions/stats?period=aeon', 'period'],
  ['GET', 'sessions/sess_x', 'id'],
  ['GET', 'sessions/-1', 'id'],
])('%s %s is a bad request that names the field', async (method, path, field) => {
  const answer = await bastion.api(path, { method });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ success: false, error: { code: 'BAD_REQUEST' } });
  expect(JSON.stringify(answer.body?.error?.details)).toContain(field);
});

test.each([
  [{ host: 'h', port: 22 }, 'name'],
  [{ name: 'm', host: 'h', port: 'high' }, 'port'],
  ['{ not json', ''],
])('a machine made of %j is a bad request that says why', async (body, field) => {
  const answer = await bastion.api('machines', { method: 'POST', body });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ success: false, error: { code: 'BAD_REQUEST' } });
  expect(answer.text).toContain(field);
});

test.each([
  ['an id that nobody has', 'sessions/sess_999999', 404, 'NOT_FOUND'],
  ['a path that there is not', 'no/such/path', 404, 'NOT_FOUND'],
])('%s is %s: %i', async (_what, path, status, code) => {
  const answer = await bastion.api(path);
  expect(answer).toMatchObject({ status, body: { success: false, error: { code } } });
});

test('a method that a path does not have is answered in the same form', async () => {
  const answer = await bastion.api('sessions', { method: 'PUT', body: {} });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(answer.body).toMatchObject({ success: false, error: { code: expect.any(String) } });
});

test.each([null, '', 'wrong', 'x'.repeat(5000)])('the token %j is nobody', async (token) => {
  const answer = await bastion.api('sessions', { token });
  expect(answer).toMatchObject({
    status: 401,
    body: { success: false, error: { code: 'UNAUTHORIZED' } },
  });
});
