import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isLoopback, parseListener } from '../../src/config/listener.ts';
import { type ConfigRequest, loadConfig, resolveConfig } from '../../src/config/load.ts';
import { nearest } from '../../src/config/nearest.ts';
import { NAMES } from '../../src/config/options.ts';
import { describeConfig } from '../../src/config/print.ts';
import { ConfigError, type ConfigProblem } from '../../src/config/problem.ts';
import { scratch } from '../support/scratch.ts';

type Env = Readonly<Record<string, string>>;

function problemsOf(env: Env, request: ConfigRequest = {}): readonly ConfigProblem[] {
  try {
    loadConfig(env, request);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const KEY = Buffer.alloc(32, 9).toString('base64');

describe('settings', () => {
  test('have the defaults of the specification, and are frozen', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      dataDir: `${process.cwd()}/data`,
      sshListen: { host: '0.0.0.0', port: 2222 },
      httpListen: { host: '127.0.0.1', port: 8080 },
      publicSsh: null,
      publicUrl: null,
      databaseUrl: null,
      redisUrl: null,
      recordings: `${process.cwd()}/data/recordings`,
      minFree: 2 ** 30,
      retention: 0,
      retentionSize: 0,
      secretKey: null,
      adminToken: null,
      workers: 1,
      sshClients: 'modern',
      sshRekey: { rekeyBytes: 2 ** 30, rekeyMs: 3_600_000 },
      logLevel: 'info',
      logFormat: 'json',
      readyFile: null,
      demo: false,
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(loadConfig({}, { terminal: true }).logFormat).toBe('pretty');
    expect(loadConfig({}, { demo: true }).sshListen).toEqual({ host: '127.0.0.1', port: 2222 });
  });

  test('are read, each in its form', () => {
    const config = loadConfig({
      POSTERN_SSH_LISTEN: '[::1]:2200',
      POSTERN_PUBLIC_SSH: 'ssh.example.com:22',
      POSTERN_PUBLIC_URL: 'https://bastion.example.com/',
      POSTERN_RECORDINGS: 'file:/var/lib/rec',
      POSTERN_MIN_FREE: '512M',
      POSTERN_RETENTION: '90d',
      POSTERN_SECRET_KEY: KEY,
      DATABASE_URL: 'postgres://me:pass@db/postern',
      POSTERN_WORKERS: '0',
      POSTERN_LOG_LEVEL: 'debug',
      POSTERN_SSH_CLIENTS: 'old',
      POSTERN_SSH_REKEY: '512M 30m',
    });
    expect(config).toMatchObject({
      sshListen: { host: '::1', port: 2200 },
      publicSsh: { host: 'ssh.example.com', port: 22 },
      publicUrl: 'https://bastion.example.com',
      recordings: '/var/lib/rec',
      minFree: 512 * 2 ** 20,
      retention: 90 * 86_400,
      workers: 0,
      logLevel: 'debug',
      sshClients: 'old',
      sshRekey: { rekeyBytes: 512 * 2 ** 20, rekeyMs: 1_800_000 },
    });
    expect(config.databaseUrl?.expose()).toBe('postgres://me:pass@db/postern');
    expect(JSON.stringify(config)).not.toContain(KEY);
  });

  test.each([
    ['POSTERN_SSH_LISTEN', '2222', 'write HOST:PORT'],
    ['POSTERN_SSH_LISTEN', '::1:2222', 'write HOST:PORT'],
    ['POSTERN_SSH_LISTEN', '1.2.3:22', 'write HOST:PORT'],
    ['POSTERN_HTTP_LISTEN', '127.0.0.1:70000', 'port from 0 to 65535'],
    ['POSTERN_PUBLIC_SSH', 'host:0', 'port from 1 to 65535'],
    ['POSTERN_PUBLIC_URL', 'https://x/y', 'without a path'],
    ['POSTERN_PUBLIC_URL', 'ftp://x', 'https://HOST'],
    ['DATABASE_URL', 'mysql://x/y', 'write postgres://'],
    ['REDIS_URL', 'localhost:6379', 'write redis://'],
    ['POSTERN_RECORDINGS', 's3://b', 'name a bucket'],
    ['POSTERN_RECORDINGS', 's3://key:secret@bucket', 'give the keys as AWS_ACCESS_KEY_ID'],
    ['POSTERN_RECORDINGS', 's3://bucket/a//b', 'single slashes'],
    ['POSTERN_RECORDINGS', 's3://bucket/a/../b', 'write s3://BUCKET/PREFIX'],
    ['POSTERN_RECORDINGS', 's3://bucket?enpoint=https://x', 'only endpoint and region'],
    ['POSTERN_RECORDINGS', 's3://bucket?endpoint=https://x/y', 'https://HOST'],
    ['POSTERN_RECORDINGS', 's3://bucket?region=Mars', 'name a region'],
    ['POSTERN_RECORDINGS_CACHE', '1', 'write 512M'],
    ['AWS_SECRET_ACCESS_KEY', 'a b', 'without spaces'],
    ['POSTERN_RECORDINGS', '/var/rec', 'write file:DIRECTORY'],
    ['POSTERN_MIN_FREE', '512', 'write 512M'],
    ['POSTERN_RETENTION', '90', 'write 90d'],
    ['POSTERN_RETENTION', '101y', 'or forever'],
    ['POSTERN_MIN_FREE', '0M', '0 for none'],
    ['POSTERN_SEAL_SINKS', 'http://elsewhere.example/x', 'write https://HOST/PATH'],
    ['POSTERN_SEAL_SINKS', 'https://me:pass@hooks.example', 'write https://HOST/PATH'],
    ['POSTERN_SEAL_SINKS', 'syslog://logs/x', 'syslog://HOST:PORT'],
    ['POSTERN_SEAL_SINKS', 'file:', 'file:PATH or s3://BUCKET'],
    ['POSTERN_SEAL_SINKS', 'file:/a file:/a', 'each place once'],
    ['POSTERN_WEBHOOK_SECRET', 'short', '16 to 256'],
    ['POSTERN_SECRET_KEY', 'short', '32 bytes as base64 or hex'],
    ['POSTERN_ADMIN_TOKEN', 'short', '32 to 256'],
    ['POSTERN_SSH_CLIENTS', 'all', 'one of strict, modern, old'],
    ['POSTERN_SSH_REKEY', '1T', 'write SIZE'],
    ['POSTERN_SSH_REKEY', '512K', 'from 1M to 1G'],
    ['POSTERN_SSH_REKEY', '1G 2h', '60s to 1h'],
    ['POSTERN_API_RATE', '0', '1 to 999999999'],
    ['POSTERN_WORKERS', '65', '0 to 64'],
    ['POSTERN_WORKERS', '-1', '0 to 64'],
    ['POSTERN_LOG_LEVEL', 'loud', 'one of debug, info, warn, error'],
    ['POSTERN_LOG_FORMAT', 'xml', 'one of pretty, json'],
  ])('%s=%s is refused by name', (setting, text, remedy) => {
    const problems = problemsOf({ [setting]: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ setting, remedy: expect.stringContaining(remedy) });
  });

  test('of places for seals are read, need a secret for webhooks, and are shown without theirs', () => {
    const env = {
      POSTERN_SEAL_SINKS:
        'https://hooks.example/T0/hush?k=hush  syslog://logs syslog+tcp://[::1]:601 syslog+tls://logs file:/var/x http://127.0.0.1:8/x',
    };
    expect(problemsOf(env)).toMatchObject([{ setting: 'POSTERN_WEBHOOK_SECRET' }]);
    const whole = { ...env, POSTERN_WEBHOOK_SECRET: 'sixteen-or-more-of-them' };
    const { config, sources } = resolveConfig(whole);
    expect(config.sealSinks).toMatchObject([
      { type: 'webhook' },
      { type: 'syslog', transport: 'udp', host: 'logs', port: 514 },
      { type: 'syslog', transport: 'tcp', host: '::1', port: 601 },
      { type: 'syslog', transport: 'tls', host: 'logs', port: 6514 },
      { type: 'file', path: '/var/x' },
      { type: 'webhook' },
    ]);
    const shown = JSON.stringify(describeConfig(config, sources));
    expect(shown).not.toMatch(/hush|sixteen/);
    expect(shown).toContain(
      'https://hooks.example/<secret> syslog://logs:514 syslog+tcp://[::1]:601 syslog+tls://logs:6514 file:/var/x',
    );
  });

  test('that are wrong are reported together, secrets by their shape alone', () => {
    const problems = problemsOf({
      POSTERN_WORKERS: 'many',
      POSTERN_SECRET_KEY: 'hunter2hunter2',
      DATABASE_URL: 'http://me:hunter2@db',
      POSTERN_LOG_LEVEL: 'loud\u001b[2J',
    });
    expect(problems.map(({ setting }) => setting)).toEqual([
      'DATABASE_URL',
      'POSTERN_SECRET_KEY',
      'POSTERN_WORKERS',
      'POSTERN_LOG_LEVEL',
    ]);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
    expect(problems[1]?.found).toBe('found 14 characters (environment)');
    expect(new ConfigError(problems).message).not.toContain('\u001b');
  });

  test('that do not exist are refused with the nearest that does', () => {
    expect(problemsOf({ POSTERN_SSH_LISTN: 'x', POSTERN_DEMO: '1' })).toEqual([
      {
        setting: 'POSTERN_SSH_LISTN',
        found: 'no setting of this name (environment)',
        remedy: 'remove it; did you mean POSTERN_SSH_LISTEN?',
      },
      {
        setting: 'POSTERN_DEMO',
        found: 'no setting of this name (environment)',
        remedy: 'the demo is switched on by --demo on the command line alone',
      },
    ]);
    const others = { POSTERN_URL: 'x', POSTERN_TOKEN: 'x', POSTERN_TEST_REQUIRE: 'all', PATH: 'x' };
    expect(problemsOf(others)).toEqual([]);
    expect(nearest('POSTERN_WORKER', NAMES)).toBe('POSTERN_WORKERS');
    expect(nearest('SOMETHING_ELSE', NAMES)).toBeNull();
  });

  test('that are empty count as not set', () => {
    expect(loadConfig({ DATABASE_URL: '', POSTERN_WORKERS: '' })).toMatchObject({
      databaseUrl: null,
      workers: 1,
    });
  });
});

describe('the demo', () => {
  test.each([
    ['a database', { DATABASE_URL: 'postgres://db/x' }, 'DATABASE_URL'],
    ['Redis', { REDIS_URL: 'redis://r' }, 'REDIS_URL'],
    ['production', { NODE_ENV: 'production' }, 'NODE_ENV'],
    ['an open SSH port', { POSTERN_SSH_LISTEN: '0.0.0.0:2222' }, 'POSTERN_SSH_LISTEN'],
    ['an open console', { POSTERN_HTTP_LISTEN: '[::]:8080' }, 'POSTERN_HTTP_LISTEN'],
  ] as const)('does not go with %s', (_, env, setting) => {
    expect(problemsOf(env, { demo: true })).toEqual([
      expect.objectContaining({ setting, found: expect.stringContaining('together with --demo') }),
    ]);
    expect(problemsOf(env)).toEqual([]);
  });

  test.each(['127.0.0.1:1', '127.1.2.3:1', '[::1]:1', 'localhost:1'])(
    'may listen on %s',
    (text) => {
      const listener = parseListener(text);
      expect(listener !== null && isLoopback(listener)).toBe(true);
    },
  );
});

describe('a file of settings', () => {
  function withFile<T>(text: string, use: (file: string) => T): T {
    using dir = scratch();
    const file = dir.join('postern.yaml');
    writeFileSync(file, text);
    return use(file);
  }

  test('says what the environment does not', () => {
    const text = 'POSTERN_WORKERS: 2\nPOSTERN_LOG_LEVEL: warn\nDATABASE_URL:\n';
    withFile(text, (configFile) => {
      const env = { POSTERN_LOG_LEVEL: 'error' };
      const { config, sources } = resolveConfig(env, { configFile });
      expect(config).toMatchObject({ workers: 2, logLevel: 'error', databaseUrl: null });
      expect(sources).toMatchObject({
        workers: `${configFile} line 1`,
        logLevel: 'environment',
        dataDir: 'default',
      });
    });
  });

  test('is refused with the line of each problem', () => {
    const text = '# settings\nPOSTERN_WORKER: 2\nPOSTERN_SSH_LISTEN: [a]\nPOSTERN_LOG_LEVEL: x\n';
    withFile(text, (configFile) => {
      const problems = problemsOf({}, { configFile });
      expect(problems.map(({ setting, found }) => `${setting} ${found}`)).toEqual([
        `POSTERN_WORKER no setting of this name (${configFile} line 2)`,
        `POSTERN_SSH_LISTEN a list or map (${configFile} line 3)`,
        `POSTERN_LOG_LEVEL found "x" (${configFile} line 4)`,
      ]);
    });
  });

  test('a secret of digits alone stays as it was written', () => {
    const digits = '0'.repeat(31) + '1'.repeat(33);
    withFile(`POSTERN_SECRET_KEY: ${digits}\n`, (configFile) => {
      expect(loadConfig({}, { configFile }).secretKey?.expose()).toBe(digits);
    });
  });

  test.each([
    ['a: [', 'is not YAML'],
    ['- a\n- b\n', 'is not a list of NAME: VALUE'],
    ['POSTERN_WORKERS: 1\nPOSTERN_WORKERS: 2\n', 'is not YAML'],
  ])('%j is refused', (text, found) => {
    withFile(text, (configFile) => {
      expect(problemsOf({}, { configFile })).toEqual([
        expect.objectContaining({ setting: '--config', found: expect.stringContaining(found) }),
      ]);
    });
  });

  test('that is not there is refused', () => {
    expect(problemsOf({}, { configFile: '/nowhere/postern.yaml' })[0]?.found).toContain('ENOENT');
  });
});

test('what is in force is shown without a secret', () => {
  const { config, sources } = resolveConfig({
    POSTERN_SECRET_KEY: KEY,
    DATABASE_URL: 'postgres://me:hunter2@db:5432/postern?sslmode=require&password=hunter2',
    REDIS_URL: 'redis://:hunter2@r:6379/1',
    POSTERN_SSH_LISTEN: '[::1]:22',
  });
  const rows = describeConfig(config, sources);
  expect(rows.map(({ setting }) => setting)).toEqual(NAMES);
  expect(JSON.stringify(rows)).not.toMatch(/hunter2/);
  expect(JSON.stringify(rows)).not.toContain(KEY);
  const shown = Object.fromEntries(rows.map(({ setting, value }) => [setting, value]));
  expect(shown).toMatchObject({
    POSTERN_SSH_LISTEN: '[::1]:22',
    POSTERN_SECRET_KEY: '<secret>',
    DATABASE_URL: 'postgres://me:<secret>@db:5432/postern?sslmode=require&password=<secret>',
    REDIS_URL: 'redis://:<secret>@r:6379/1',
  });
});
