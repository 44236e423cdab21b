import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApp } from '../../src/app/app.ts';
import { writeReadyFile } from '../../src/cli/ready-file.ts';
import type { RunningApp } from '../../src/cli/running-app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createLogger } from '../../src/log/logger.ts';
import { plainEnvironment } from '../support/environment.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { type Answer, command } from './capture.ts';

const PUBLIC =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJJYfi2hU1d3rOoR66eYkWKjVV0fhEOqhV8Wn5pE0+Qz alice@laptop';

let dir: Scratch;
let app: RunningApp;

/** The commands find the server as they do for a person: by its data directory. */
function postern(...argv: readonly string[]): Promise<Answer> {
  return command(argv, { POSTERN_DATA_DIR: dir.path, PASSWORD: 'correct horse' });
}

async function json(...argv: readonly string[]): Promise<unknown> {
  const answer = await postern(...argv, '--json');
  expect(answer.stderr).toBe('');
  return JSON.parse(answer.stdout);
}

beforeAll(async () => {
  dir = scratch();
  const config = loadConfig(
    {
      POSTERN_DATA_DIR: dir.path,
      POSTERN_SSH_LISTEN: '127.0.0.1:0',
      POSTERN_HTTP_LISTEN: '127.0.0.1:0',
    },
    { demo: true },
  );
  const log = createLogger({ level: 'error', format: 'json', stream: new PassThrough() });
  app = await startApp(config, { demo: true, log });
  writeReadyFile(dir.join('ready.json'), app.ready);
}, 60_000);

afterAll(async () => {
  await app.drain('the test is over');
  dir[Symbol.dispose]();
}, 60_000);

describe('with a server', () => {
  test('users and their keys are made, shown and removed', async () => {
    writeFileSync(dir.join('alice.pub'), `${PUBLIC}\n`);
    const made = await postern(
      ...['user', 'add', 'alice', '--email', 'alice@example.com', '--key', dir.join('alice.pub')],
      ...['--password-env', 'PASSWORD'],
    );
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(made.stdout).toMatch(/^password +yes$/m);
    expect(await json('user', 'show', 'alice')).toMatchObject({
      name: 'alice',
      role: 'member',
      keys: [{ comment: 'alice@laptop' }],
    });
    const keys = (await postern('key', 'ls', 'alice')).stdout;
    const [id = ''] = /key_\d+/.exec(keys) ?? [];
    expect((await postern('key', 'show', 'alice', id)).stdout).toContain('AAAAC3NzaC1lZDI1NTE5');
    expect((await postern('key', 'rm', 'alice', id.slice('key_'.length))).stdout).toBe(
      `removed ${id}\n`,
    );
    expect((await postern('key', 'add', 'alice', dir.join('alice.pub'))).status).toBe(0);
    expect((await postern('user', 'ls', '--search', 'ALI')).stdout).toContain('alice@example.com');
    expect((await postern('user', 'rm', 'alice')).status).toBe(0);
    const gone = await postern('user', 'show', 'alice');
    expect(gone).toEqual({ status: 1, stdout: '', stderr: 'postern: no user alice\n' });
  });

  test('a user whose key is refused is not made', async () => {
    writeFileSync(dir.join('bad.pub'), 'ssh-dss AAAA\n');
    const answer = await postern('user', 'add', 'carol', '--key', dir.join('bad.pub'));
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain('key: is a DSA key');
    expect((await postern('user', 'show', 'carol')).status).toBe(1);
  });

  test('groups, machines, grants and tokens are made, shown and removed', async () => {
    await postern('user', 'add', 'bob');
    const machine = ['machine', 'add', 'web1', '--host', '10.0.0.5', '--login', 'deploy'];
    expect((await postern(...machine, '--bastion-key', '--tag', 'env=prod')).status).toBe(0);
    const group = ['group', 'add', 'ops', '--member', 'bob,demo', '--retention', '1y'];
    expect((await postern(...group)).stdout).toMatch(/^retention +365d$/m);
    const grant = ['grant', 'add', '--group', 'ops', '--tag', 'env=prod', '--allow', 'shell,exec'];
    const made = await json(...grant, '--max-session', '8h', '--from', '10.0.0.0/8');
    expect(made).toMatchObject({ allow: ['shell', 'exec'], max_session: 28_800 });
    expect((await postern('grant', 'ls')).stdout).toMatch(/group ops +tag env=prod/);
    expect((await postern('machine', 'ls', '--tag', 'env=prod')).stdout).toContain('10.0.0.5:22');
    expect(await json('machine', 'show', 'web1')).toMatchObject({ auth_type: 'bastion_key' });
    expect((await postern('group', 'show', 'ops')).stdout).toMatch(/members +bob, demo|demo, bob/);
    const [grantId = ''] = /grt_\d+/.exec((await postern('grant', 'ls')).stdout) ?? [];
    const inUse = await postern('group', 'rm', 'ops');
    expect(inUse).toMatchObject({ status: 1, stdout: '' });
    expect((await postern('grant', 'rm', grantId)).stdout).toBe(`removed ${grantId}\n`);
    for (const [kind, name] of [
      ['group', 'ops'],
      ['machine', 'web1'],
      ['user', 'bob'],
    ]) {
      expect((await postern(`${kind}`, 'rm', `${name}`)).status).toBe(0);
    }
    const token = (await postern('token', 'add', 'ci', '--scope', 'sessions:read')).stdout;
    expect(token).toMatch(/^token +pst_[\w-]{43}$/m);
    const [tokenId = ''] = /tok_\d+/.exec(token) ?? [];
    expect((await postern('token', 'show', tokenId)).stdout).not.toContain('pst_');
    expect((await postern('token', 'rm', tokenId)).stdout).toBe(`revoked ${tokenId}\n`);
  });

  test('a set-up is shown, applied, and then there is nothing to change', async () => {
    const file = dir.join('setup.yaml');
    const text = `users:
  - { name: dave, keys: ["${PUBLIC}"], password: { env: PASSWORD } }
machines:
  - { name: db, host: 10.0.0.9, login: root, auth: { bastion_key: true } }
grants:
  - to: { user: dave }
    on: { machine: db }
    allow: [shell]
`;
    writeFileSync(file, text);
    const plan = [
      '+ user dave',
      '+ key dave SHA256:tiXURS3dNvGwosRsNaMpx0W8Vwpe4u8bbgnhIt8rSdk alice@laptop',
      '+ machine db',
      '+ grant user dave on machine db (shell)',
    ];
    const dry = await postern('apply', file, '--dry-run');
    expect(dry.stdout.split('\n').slice(0, -2)).toEqual(plan);
    expect((await postern('user', 'show', 'dave')).status).toBe(1);
    expect((await postern('apply', file)).stdout.split('\n').slice(0, -2)).toEqual(plan);
    expect((await postern('apply', file)).stdout).toBe('nothing to change\n');
    writeFileSync(file, text.replace('10.0.0.9', '10.0.0.8'));
    expect((await postern('apply', file)).stdout).toBe('~ machine db (host)\n1 done\n');
    writeFileSync(file, text.replace('machine: db', 'machine: dc'));
    const refused = await postern('apply', file);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain(`${file}:7: grants[0].on.machine there is no machine dc`);
  });

  test('what happened and how much is shown', async () => {
    expect((await postern('audit', '--type', 'user.created')).stdout).toMatch(/name=demo/);
    expect(
      (await postern('audit', '--limit', '1', '--user', 'demo')).stdout.split('\n'),
    ).toHaveLength(3);
    expect((await postern('stats', '--period', 'week')).stdout).toMatch(/^sessions +\d+$/m);
  });

  test('what happened is verified, and taken elsewhere', async () => {
    const verified = await postern('audit', 'verify');
    const [, head = ''] = /, none changed, head (\d+:[0-9a-f]{64})$/m.exec(verified.stdout) ?? [];
    expect((await postern('audit', 'verify', '--head', head)).status).toBe(0);
    const lost = await postern('audit', 'verify', '--head', `1:${'0'.repeat(64)}`);
    expect(lost).toMatchObject({ status: 1, stderr: expect.stringContaining('--head') });
    const lines = (await postern('audit', 'export')).stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).position)).toContain(1);
    const table = (await postern('audit', 'export', '--format', 'csv')).stdout;
    expect(table).toMatch(/^id,at,type,/);
  });

  test('the doctor finds it ready', async () => {
    const answer = await postern('doctor');
    expect(answer.stdout).toMatch(/^ok {4}server {4}ready at http:/m);
    expect(answer.stdout).toMatch(/^ok {4}database {2}embedded, in use by the server$/m);
    expect(answer).toMatchObject({ status: 0, stderr: '' });
  });

  test('what the server refuses is told, with status 1', async () => {
    const answer = await postern('user', 'add', 'x y');
    expect(answer).toMatchObject({ status: 1, stdout: '' });
    expect(answer.stderr).toMatch(/^postern: the request is not valid\n {2}name: must be /);
    const bad = await command(['user', 'ls'], {
      POSTERN_DATA_DIR: dir.path,
      POSTERN_TOKEN: 'pst_wrong',
    });
    expect(bad.stderr).toContain('does not accept the token');
  });
});

needs('ssh').describe('with a server and a client', () => {
  test('a session is listed, read, played, exported and ended', async () => {
    await must('ssh', [
      '-F',
      dir.join('demo', 'ssh_config'),
      'demo',
      'printf "hi\\n"; printf %s 日本',
    ]);
    const { id } = await eventually('it has ended', async () => (await sessions('ended'))[0]);
    expect((await postern('session', 'ls', '--status', 'all')).stdout).toContain(id);
    expect((await postern('session', 'show', id)).stdout).toMatch(/rec_\d+ +1 +complete/);
    expect((await postern('session', 'play', id, '--speed', '100')).stdout).toBe('hi\n日本');
    expect((await postern('session', 'logs', id)).stdout).toContain('hi\n日本');
    expect(JSON.stringify(await json('session', 'logs', id))).toContain('日本');
    await eventually('it has been read', async () => {
      const { stdout } = await postern('session', 'commands', id);
      return stdout.includes('exec, exact');
    });
    expect(await json('session', 'commands', id)).toMatchObject([
      { command: expect.stringContaining('printf "hi'), exit_status: 0, source: 'exec' },
    ]);
    await eventually('its text is there', async () => {
      const { stdout } = await postern('recording', 'export', id, '--format', 'txt');
      return stdout.endsWith(']\nhi\n日本\n');
    });
    expect((await postern('recording', 'reindex', id)).stdout).toContain('read again: 1');
    expect((await postern('recording', 'reindex')).status).toBe(2);
    const cast = dir.join('x.cast');
    const exported = await postern('recording', 'export', id.slice('sess_'.length), '-o', cast);
    expect(exported.stdout).toBe(`wrote ${cast}\n`);
    expect(readFileSync(cast, 'utf8')).toMatch(/^\{"version":3/);
    const verified = /^complete: 1 part as sealed, \d+ bytes, 9 bytes recorded\n$/;
    expect((await postern('recording', 'verify', id)).stdout).toMatch(verified);
    expect((await postern('recording', 'verify', cast)).stdout).toMatch(verified);
    const keys = dir.join('keys.pem');
    writeFileSync(keys, (await postern('recording', 'keys')).stdout);
    const noted = dir.join('noted.seals');
    writeFileSync(noted, (await postern('recording', 'seals', id)).stdout);
    const text = readFileSync(cast, 'utf8');
    const far = { POSTERN_DATA_DIR: dir.join('nowhere') };
    const trusted = ['--key', keys, '--seals', noted];
    expect(await command(['recording', 'verify', cast, ...trusted], far)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(verified),
    });
    expect(await command(['recording', 'verify', cast], far)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--key'),
    });
    writeFileSync(cast, text.replace('hi', 'ho'));
    expect(await command(['recording', 'verify', cast, ...trusted], far)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /part 1 \(bytes 0 to \d+\) is not as it was: its bytes are not/,
      ),
    });
    writeFileSync(cast, text.slice(0, text.lastIndexOf('# seal')));
    expect(await command(['recording', 'verify', cast, '--key', keys], far)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/not sealed to its end: 0 parts as sealed, then \d+ bytes/),
    });
    expect(await command(['recording', 'verify', cast, ...trusted, '--json'], far)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('"problem": "cut"'),
    });
    const again = await postern('recording', 'export', id, '-o', cast);
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('EEXIST') });
    const ended = await postern('session', 'kill', id);
    expect(ended).toMatchObject({ status: 1, stderr: expect.stringContaining('already ended') });
  });

  test('a live session is ended', async () => {
    const config = dir.join('demo', 'ssh_config');
    const client = spawn('ssh', ['-F', config, 'demo', 'echo up; cat'], {
      env: plainEnvironment(),
    });
    const closed = once(client, 'close');
    await once(client.stdout, 'data');
    const [session] = await sessions('active');
    const answer = await postern('session', 'kill', session?.id ?? '');
    expect(answer).toEqual({ status: 0, stdout: `ended ${session?.id}\n`, stderr: '' });
    expect((await closed)[0]).toBe(255);
  });
});

async function sessions(status: string): Promise<readonly { readonly id: string }[]> {
  const found = await json('session', 'ls', '--status', status);
  return Array.isArray(found) ? found : [];
}

test('serve prints where it is, and drains at Ctrl-C with its echo', async () => {
  using own = scratch();
  const main = resolve(import.meta.dirname, '../../src/main.ts');
  const server = spawn(process.execPath, [main, 'serve', '--demo'], {
    env: plainEnvironment({
      POSTERN_DATA_DIR: own.path,
      POSTERN_SSH_LISTEN: '127.0.0.1:0',
      POSTERN_HTTP_LISTEN: '127.0.0.1:0',
      POSTERN_READY_FILE: own.join('ready'),
    }),
  });
  let text = '';
  server.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const closed = once(server, 'close');
  await expect.poll(() => text, { timeout: 30_000 }).toContain('Ctrl-C ends it.');
  expect(text).toContain('Postern is ready, with a demo machine.');
  const ready = readFileSync(own.join('ready'), 'utf8');
  expect(readFileSync(own.join('ready.json'), 'utf8')).toBe(ready);
  expect(JSON.parse(ready)).toMatchObject({ pid: server.pid, ssh: { host: '127.0.0.1' } });
  server.kill('SIGINT');
  server.kill('SIGINT');
  expect(await closed).toEqual([0, null]);
  expect(() => readFileSync(own.join('ready'))).toThrow('ENOENT');
  expect(() => readFileSync(own.join('ready.json'))).toThrow('ENOENT');
}, 60_000);
