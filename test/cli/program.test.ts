import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../support/run.ts';
import { scratch } from '../support/scratch.ts';
import { command } from './capture.ts';

const BIN = resolve(import.meta.dirname, '../../bin/postern');

describe('the command', () => {
  test.each([
    [[], 'Usage: postern'],
    [['serv'], 'Did you mean serve?'],
    [['user'], 'Usage: postern user'],
    [['user', 'ls', '--bad'], "unknown option '--bad'"],
    [['user', 'ls', 'extra'], 'too many arguments'],
    [['user', 'add'], "missing required argument 'name'"],
    [['user', 'ls', '--limit', '0'], 'whole number from 1 to 10000'],
    [['machine', 'add', 'x', '--login', 'y'], "required option '--host <host>'"],
    [['machine', 'add', 'x', '--host', 'h', '--login', 'y'], 'give one of --key-file'],
    [['grant', 'add', '--allow', 'shell'], 'give one of --user and --group'],
    [['grant', 'add', '--allow', 'shell', '--until', 'x'], 'It must be a time'],
    [['session', 'kill', 'usr_1'], '"usr_1" is no id: write sess_12 or 12'],
    [['key', 'rm', 'alice', 'x'], 'key_12 or 12 or its fingerprint'],
    [['recording', 'verify', '/nowhere.cast'], 'neither a file nor the id of a session'],
    [['session', 'play', '1', '--speed', '0'], 'a number above 0'],
    [['config', '--config', '/nowhere.yaml'], 'cannot be read'],
  ])('%j is wrong usage: status 2, the reason on stderr', async (argv, reason) => {
    const answer = await command(argv);
    expect(answer).toMatchObject({ status: 2, stdout: '' });
    expect(answer.stderr).toContain(reason);
  });

  test.each([
    ['-h'],
    ['serve', '-h'],
    ['user', '-h'],
    ['grant', 'add', '-h'],
    ['session', 'play', '-h'],
    ['recording', 'export', '-h'],
    ['migrate', '-h'],
  ])('%s %s %s shows how it is used', async (...argv) => {
    const answer = await command(argv.filter(Boolean));
    expect(answer).toMatchObject({ status: 0, stderr: '' });
    expect(answer.stdout).toContain('Usage: postern');
  });

  test('says the default of an option that has one, not of what is off unless given', async () => {
    const { stdout } = await command(['machine', 'add', '-h']);
    expect(stdout).toContain('(default: 22)');
    expect(stdout).not.toMatch(/default: (?:false|"")/);
  });

  test.each([
    [['ca', 'add', 'x', '/nowhere.pub']],
    [['revocation', 'import', '/nowhere.krl']],
    [['apply', '/nowhere.yaml']],
  ])('%j names the file that cannot be read', async (argv) => {
    const answer = await command(argv, {
      POSTERN_URL: 'http://127.0.0.1:1',
      POSTERN_TOKEN: 'x'.repeat(32),
    });
    expect(answer.status).toBe(1);
    expect(answer.stderr).toMatch(/^postern: \/nowhere\.\w+ cannot be read \(ENOENT\)\n$/);
  });

  test('a data directory that is none is named', async () => {
    using files = scratch();
    const file = files.join('a-file');
    writeFileSync(file, '');
    const answer = await command(['serve'], { POSTERN_DATA_DIR: file });
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain(`the data directory ${file} cannot be used: EEXIST`);
  });

  test('says its version', async () => {
    expect((await command(['version'])).stdout).toMatch(/^postern \d+\.\d+\.\d+ \(node /);
    expect((await command(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('postern config', () => {
  const env = { POSTERN_ADMIN_TOKEN: 'x'.repeat(32), POSTERN_DATA_DIR: '/var/lib/postern' };

  test('shows what is in force and where it came from, secrets hidden', async () => {
    const { status, stdout } = await command(['config'], env);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^POSTERN_DATA_DIR +\/var\/lib\/postern +environment$/m);
    expect(stdout).toMatch(/^POSTERN_ADMIN_TOKEN +<secret> +environment$/m);
    const { stdout: json } = await command(['config', '--json', '--demo'], env);
    expect(JSON.parse(json)).toContainEqual({
      setting: 'POSTERN_SSH_LISTEN',
      value: '127.0.0.1:2222',
      source: '--demo',
    });
  });

  test.each([['config'], ['serve'], ['migrate']])(
    '%s refuses wrong settings together, with status 2',
    async (name) => {
      const wrong = { POSTERN_WORKERS: 'x', POSTERN_LOG_LEVEL: 'y' };
      const answer = await command([name], wrong);
      expect(answer).toMatchObject({ status: 2, stdout: '' });
      expect(answer.stderr).toMatch(/^postern: 2 problems with the settings:\n {2}POSTERN_WORKERS/);
    },
  );

  test('runs as bin/postern, from anywhere', async () => {
    using dir = scratch();
    const good = await run(BIN, ['config', '--json'], { cwd: dir.path });
    expect(JSON.parse(good.stdout.toString())[0].value).toBe(dir.join('data'));
    const bad = await run(BIN, ['config'], { cwd: dir.path, env: { POSTERN_WORKERS: 'x' } });
    expect(bad.status).toBe(2);
    expect(bad.stderr).toContain('POSTERN_WORKERS: found "x"');
    // A reader that has gone is no failure.
    const piped = await run('sh', ['-c', `"${BIN}" config | true; exit 0`], { cwd: dir.path });
    expect(piped.stderr).toBe('');
  });
});

describe('a command that needs the server', () => {
  test('says that none is running, and how to name one', async () => {
    using dir = scratch();
    const answer = await command(['user', 'ls'], { POSTERN_DATA_DIR: dir.path });
    expect(answer).toMatchObject({ status: 1, stdout: '' });
    expect(answer.stderr).toContain(`there is no ${dir.join('ready.json')}`);
  });

  test('says so of a server that has died', async () => {
    using dir = scratch();
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await new Promise((done) => server.close(done));
    const ready = {
      ssh: { host: 'x', port: 1 },
      http: { url: `http://127.0.0.1:${port}` },
      pid: 1,
      admin_token_file: dir.join('admin-token'),
    };
    writeFileSync(dir.join('ready.json'), JSON.stringify(ready));
    const env = { POSTERN_DATA_DIR: dir.path };
    expect((await command(['user', 'ls'], env)).stderr).toContain('admin-token cannot be read');
    writeFileSync(dir.join('admin-token'), 'pst_x\n');
    const answer = await command(['user', 'ls'], env);
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain(`no server answers at http://127.0.0.1:${port}`);
    expect(answer.stderr).toContain('ECONNREFUSED');
  });

  test('never gives the token of this machine to another server', async () => {
    const answer = await command(['user', 'ls'], { POSTERN_URL: 'http://elsewhere' });
    expect(answer).toMatchObject({ status: 2, stdout: '' });
    expect(answer.stderr).toContain('POSTERN_TOKEN is not; set both');
    const bad = await command(['user', 'ls'], { POSTERN_URL: 'elsewhere', POSTERN_TOKEN: 'x' });
    expect(bad.status).toBe(2);
  });

  test('does not take for an answer what is none', async () => {
    await using server = createServer((_, response) => response.end('<html>'));
    server.listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const env = { POSTERN_URL: `http://127.0.0.1:${port}`, POSTERN_TOKEN: 'x' };
    const answer = await command(['user', 'ls'], env);
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain("the answer to /v1/users is not Postern's");
  });
});

test('apply refuses a wrong file before it asks anybody', async () => {
  using dir = scratch();
  const file = dir.join('setup.yaml');
  writeFileSync(file, 'users:\n  - name: a b\n');
  const answer = await command(['apply', file]);
  expect(answer).toMatchObject({ status: 1, stdout: '' });
  expect(answer.stderr).toContain('a problem with the set-up, so nothing was changed');
  expect(answer.stderr).toContain(`${file}:2: users[0].name "a b" is no name`);
  const gone = await command(['apply', dir.join('none.yaml')]);
  expect(gone.status).toBe(1);
  expect(gone.stderr).toContain('ENOENT');
});
