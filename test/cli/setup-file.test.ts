import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { privateKeyProblem } from '../../src/cli/setup/secrets.ts';
import { parseDuration, parseNetwork, parseTag, parseTime } from '../../src/cli/setup/values.ts';
import { readSetupFile, type SetupFile } from '../../src/cli/setup-file.ts';
import { isForwardTo } from '../../src/domain/forward.ts';
import { type Scratch, scratch } from '../support/scratch.ts';

const KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJJYfi2hU1d3rOoR66eYkWKjVV0fhEOqhV8Wn5pE0+Qz alice@laptop';
const PRIVATE =
  '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGNvbXBsZXRlbHkgbWFkZSB1cAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----';

let dir: Scratch;
beforeAll(() => {
  dir = scratch();
  writeFileSync(dir.join('web1'), `${PRIVATE}\n`);
  writeFileSync(dir.join('web1.pub'), `${KEY}\n`);
  writeFileSync(dir.join('empty'), '');
});
afterAll(() => dir[Symbol.dispose]());

const env = { ALICE_PASSWORD: 'correct horse', SHORT: 'short' };

function read(text: string): ReturnType<typeof readSetupFile> {
  return readSetupFile(text, { env, directory: dir.path });
}

function fileOf(text: string): SetupFile {
  const found = read(text);
  if ('problems' in found) throw new Error(JSON.stringify(found.problems));
  return found;
}

/** `3: users[0].name is …` */
function problemsOf(text: string): string[] {
  const found = read(text);
  return 'problems' in found
    ? found.problems.map(({ line, field, message }) => `${line}: ${field} ${message}`)
    : [];
}

const WHOLE = `users:
  - name: alice
    email: alice@example.com
    role: admin
    keys: [ "${KEY}" ]
    password: { env: ALICE_PASSWORD }
    totp: required
  - name: bob
groups:
  - name: ops
    members: [alice, bob]
    retention: 1y
  - { name: idle, members: [] }
machines:
  - name: web1
    kind: ssh
    host: 10.0.0.5
    port: 2022
    login: deploy
    auth: { key: { file: web1 } }
    host_key: "${KEY}"
    recording: best_effort
    retention: 90d
    index: false
    record_input: true
    shell_integration: zsh
    tags: { env: prod, "os/name": debian }
  - { name: web2, host: "fd00::1", login: root, auth: { bastion_key: true }, jump: web1 }
grants:
  - to: { group: ops }
    on: { machine: web1 }
    logins: [deploy, root]
    allow: [shell, exec, sftp, forward-local]
    forward_to: ["127.0.0.1:5432", "10.0.0.0/24:80", "[fd00::1]:22"]
    from_networks: [10.0.0.0/8, 192.0.2.1]
    until: 2027-01-01T00:00:00Z
    max_session: 8h
    idle_timeout: 1h30m
    approval: { by: { group: ops } }
    mfa: true
    shell_integration: true
  - to: { user: bob }
    on: { tag: env=prod }
    allow: [shell]
`;

describe('a set-up file', () => {
  test('is read with its secrets and defaults', () => {
    const { setup } = fileOf(WHOLE);
    expect(setup.users).toEqual([
      {
        name: 'alice',
        email: 'alice@example.com',
        role: 'admin',
        keys: [KEY],
        password: 'correct horse',
        totp: 'required',
      },
      { name: 'bob', email: null, role: 'member', keys: [], password: null, totp: 'optional' },
    ]);
    expect(setup.groups).toEqual([
      { name: 'ops', members: ['alice', 'bob'], retention: 365 * 86_400 },
      { name: 'idle', members: [], retention: null },
    ]);
    expect(setup.machines[0]).toEqual({
      name: 'web1',
      kind: 'ssh',
      host: '10.0.0.5',
      port: 2022,
      login: 'deploy',
      auth: { type: 'key', private_key: `${PRIVATE}\n` },
      jump: null,
      host_key: KEY.split(' ').slice(0, 2).join(' '),
      host_key_policy: 'accept-new',
      algorithms: 'modern',
      recording: 'best_effort',
      retention: 90 * 86_400,
      index: false,
      record_input: true,
      shell_integration: 'zsh',
      tags: { env: 'prod', 'os/name': 'debian' },
      description: '',
    });
    expect(setup.machines[1]).toMatchObject({
      host: 'fd00::1',
      port: 22,
      auth: { type: 'bastion_key' },
      jump: 'web1',
      recording: 'required',
      retention: null,
      index: true,
      record_input: false,
      shell_integration: null,
      host_key: null,
    });
    expect(setup.grants).toEqual([
      {
        to: { group: 'ops' },
        on: { machine: 'web1' },
        logins: ['deploy', 'root'],
        allow: ['shell', 'exec', 'sftp', 'forward-local'],
        forward_to: ['127.0.0.1:5432', '10.0.0.0/24:80', '[fd00::1]:22'],
        from_networks: ['10.0.0.0/8', '192.0.2.1/32'],
        until: '2027-01-01T00:00:00.000Z',
        max_session: 28_800,
        idle_timeout: 5400,
        approval: { by: { group: 'ops' } },
        mfa: true,
        end_on_alert: false,
        shell_integration: true,
      },
      {
        to: { user: 'bob' },
        on: { tag: { key: 'env', value: 'prod' } },
        logins: [],
        allow: ['shell'],
        forward_to: [],
        from_networks: [],
        until: null,
        max_session: null,
        idle_timeout: null,
        approval: null,
        mfa: false,
        end_on_alert: false,
        shell_integration: false,
      },
    ]);
  });

  test('knows the line of what the server may refuse', () => {
    const { lineOf } = fileOf(WHOLE);
    expect(lineOf('users[0].keys[0]')).toBe(5);
    expect(lineOf('machines[0].auth.private_key')).toBe(20);
    expect(lineOf('machines[1].host_key')).toBe(28);
    expect(lineOf('grants[1].on.tag.key')).toBe(43);
    expect(lineOf('nothing')).toBe(1);
  });

  test('may use the anchors of YAML', () => {
    const text = `machines:
  - { name: a, host: h, login: x, auth: &auth { bastion_key: true } }
  - { name: b, host: h, login: x, auth: *auth }
`;
    expect(fileOf(text).setup.machines[1]).toMatchObject({ auth: { type: 'bastion_key' } });
  });

  test('is refused with the line of every problem at once', () => {
    const text = `users:
  - name: al ice
    rol: admin
    keys: [ "ssh-rsa AAAA", 7 ]
    password: hunter2hunter2
  - email: nobody
    role: boss
    password: { env: MISSING }
machines:
  - name: web1
    host: "1.2.3"
    port: 70000
    login: deploy
    auth: { key: { file: nowhere } }
grants:
  - to: { user: alice, group: ops }
    on: { tag: prod }
    allow: [shell, exce]
    from_networks: [10.0.0.0/40]
    until: tomorrow
    max_session: 8
    approval: { of: { group: ops } }
stack: []
`;
    expect(problemsOf(text)).toEqual([
      '2: users[0].name "al ice" is no name: 1 to 64 letters, digits, "_", "." or "-", beginning with a letter or digit',
      '3: users[0].rol is not known; did you mean role?',
      '4: users[0].keys[0] is cut short',
      '4: users[0].keys[1] must be text: write it in quotes, "7"',
      '5: users[0].password must not stand in this file: write { env: NAME } or { file: PATH }',
      '6: users[1] lacks name',
      '6: users[1].email "nobody" is no e-mail address',
      '7: users[1].role "boss" is none of admin, member, viewer',
      '8: users[1].password.env the variable MISSING is not set',
      '11: machines[0].host "1.2.3" is no host name or address',
      '12: machines[0].port must be a whole number from 1 to 65535',
      `14: machines[0].auth.key.file the file ${dir.join('nowhere')} cannot be read (ENOENT)`,
      '16: grants[0].to must have exactly one of user and group',
      '17: grants[0].on.tag "prod" is no tag: write NAME=VALUE, as env=prod',
      '18: grants[0].allow[1] "exce" is none of shell, exec, sftp, upload, download, forward-local, forward-remote, agent, x11; did you mean exec?',
      '19: grants[0].from_networks[0] "10.0.0.0/40" is no network: write 10.0.0.0/8, 2001:db8::/32 or one address',
      '20: grants[0].until "tomorrow" is no time: write 2027-01-01T00:00:00Z, or 2027-01-01 for its midnight in UTC',
      '21: grants[0].max_session must be text: write it in quotes, "8"',
      '22: grants[0].approval.of is not known',
      '22: grants[0].approval lacks by',
      '23: stack is not known; did you mean stacks?',
    ]);
  });

  test.each([
    ['nothing', '', '1:  is empty'],
    ['comments alone', '# users:\n', '1:  is empty'],
    ['a list', '- a\n', '1:  must be a map of NAME: VALUE'],
    ['no YAML', 'users: [\n', '2:  is not YAML'],
    ['a field twice', 'users: []\nusers: []\n', '2:  is not YAML: Map keys must be unique'],
    ['no list', 'users: alice\n', '1: users must be a list'],
    [
      'the same name twice',
      'groups:\n  - name: a\n  - name: a\n',
      '3: groups[1].name "a" is there already, on line 2',
    ],
    [
      'a short password',
      'users:\n  - { name: a, password: { env: SHORT } }',
      'at least 8 characters',
    ],
    [
      'two places of a secret',
      'users:\n  - { name: a, password: { env: A, file: B } }',
      'must have one of env and file',
    ],
    ['an empty secret', 'users:\n  - { name: a, password: { file: empty } }', 'is empty'],
    [
      'a public key to log in with',
      'machines:\n  - { name: a, host: h, login: x, auth: { key: { file: web1.pub } } }',
      'is a public key',
    ],
    [
      'two ways to log in',
      'machines:\n  - { name: a, host: h, login: x, auth: { none: true, bastion_key: true } }',
      'must have one of key, password, bastion_key, certificate, agent, none',
    ],
  ])('of %s is refused', (_, text, problem) => {
    expect(problemsOf(text)).toEqual([expect.stringContaining(problem)]);
  });

  test('that is wrong never shows a secret', () => {
    const text = `users:\n  - { name: a, password: hunter2hunter2 }\n  - { name: b, keys: ["${PRIVATE.replaceAll('\n', '\\n')}"] }\n`;
    const problems = problemsOf(text).join('\n');
    expect(problems).toContain('is a private key');
    expect(problems).not.toMatch(/hunter2|MC4CAQAw/);
  });
});

test.each([
  ['8h', 28_800],
  ['90s', 90],
  ['1d2h3m4s', 93_784],
  ['', null],
  ['0s', null],
  ['8', null],
  ['8 h', null],
  ['1m1h', null],
  ['366d', null],
])('the duration %j is %j seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each([
  ['2027-01-01', '2027-01-01T00:00:00.000Z'],
  ['2027-01-01T02:00:00+02:00', '2027-01-01T00:00:00.000Z'],
  ['2027-02-30', null],
  ['2027-01-01T00:00:00', null],
  ['01/02/2027', null],
  ['2027', null],
])('the time %j is %j', (text, time) => {
  expect(parseTime(text)).toBe(time);
});

test('networks, destinations and tags are told from what they are not', () => {
  expect(
    ['10.0.0.0/8', '::/0', '10.1.1.1', '10.0.0.0/33', '10.0.0.0/', 'x'].map(parseNetwork),
  ).toEqual(['10.0.0.0/8', '::/0', '10.1.1.1/32', null, null, null]);
  const places = ['h:1', '*:443', '10.0.0.0/24:80', '[::1]:1', 'h:*', '::1:1', 'h', 'h:0', 'a b:1'];
  expect(places.map(isForwardTo)).toEqual([
    true,
    true,
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  expect(['a=b', 'a=', 'a', '=b', 'a b=c'].map((text) => parseTag(text) !== null)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('a private key with a passphrase is told from one without', () => {
  const openssh = (cipher: string): string => {
    const name = Buffer.from(cipher);
    const length = Buffer.of(0, 0, 0, name.length);
    const body = Buffer.concat([Buffer.from('openssh-key-v1\0'), length, name, Buffer.alloc(90)]);
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----`;
  };
  expect(privateKeyProblem(PRIVATE)).toBeNull();
  expect(privateKeyProblem(openssh('none'))).toBeNull();
  expect(privateKeyProblem(openssh('aes256-ctr'))).toContain('passphrase');
  expect(privateKeyProblem(PRIVATE.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE'))).toContain(
    'passphrase',
  );
  expect(privateKeyProblem('hello')).toContain('is no private key');
});
