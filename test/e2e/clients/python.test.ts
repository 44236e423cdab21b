import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs } from '../../support/requirements.ts';
import { run } from '../../support/run.ts';
import { openStage, type Stage } from '../../support/stage.ts';
import { echo, type Listening } from '../../support/tunnels.ts';

const SCRIPTS = join(import.meta.dirname, '../../clients');
/** Debian's own: its modules are for no other. */
const PYTHON = '/usr/bin/python3';

needs('ssh', 'sshd', 'paramiko', 'asyncssh').describe('Python libraries', () => {
  let stage: Stage;
  let said: Listening;
  let learned: string;
  const bytes = randomBytes(2_000_003);
  beforeAll(async () => {
    [stage, said] = await Promise.all([openStage(), echo()]);
    const { alice, bastion } = stage;
    await bastion.apply(`
grants:
  - to: { user: alice }
    on: { machine: web1 }
    allow: [shell, exec, sftp, forward-local]
    forward_to: ["127.0.0.1:${said.port}"]
`);
    const published = await bastion.cli('machine', 'known-hosts');
    // OpenSSH writes the bastion's own line.
    await alice.ssh('alice+web1', 'true');
    learned = readFileSync(alice.path('known_hosts'), 'utf8');
    writeFileSync(alice.path('all_known'), `${learned}${published.stdout.toString()}`);
    writeFileSync(alice.path('bytes'), bytes);
  });
  afterAll(async () => {
    await said?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  /** One step of a script in test/clients, and what it says of it. */
  const does = async (
    library: string,
    step: string,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Readonly<Record<string, unknown>>> => {
    const { alice, bastion, sshd } = stage;
    const user = 'jump' in more ? 'alice' : 'alice+web1';
    const script = join(SCRIPTS, `${library}_client.py`);
    const done = await run(PYTHON, ['-W', 'ignore', script, step, user], {
      input: JSON.stringify({
        ...bastion.ssh,
        key: alice.identity,
        known_hosts: alice.path('all_known'),
        login: sshd.login,
        bytes: alice.path('bytes'),
        ...more,
      }),
    });
    expect(done.status, done.stderr).toBe(0);
    return JSON.parse(done.stdout.toString());
  };
  const moves = async (library: string, step: string, names: readonly string[]): Promise<void> => {
    const directory = stage.alice.path(`${library}-${step}`);
    mkdirSync(directory);
    expect(await does(library, step, { directory })).toEqual({ names });
    expect(readFileSync(join(directory, 'there2')).equals(bytes)).toBe(true);
    expect(readFileSync(join(directory, 'back')).equals(bytes)).toBe(true);
  };

  test('asyncssh trusts the certificate of a machine behind a jump', async () => {
    const published = await stage.bastion.cli('machine', 'known-hosts', '--ca');
    const known_hosts = stage.alice.path('known_authority');
    writeFileSync(known_hosts, `${learned}${published.stdout.toString()}`);
    const answer = await does('asyncssh', 'exec', { jump: 'web1', known_hosts });
    expect(answer).toMatchObject({ status: 7 });
  });

  for (const library of ['paramiko', 'asyncssh']) {
    test(`${library} runs a command at USER+MACHINE@bastion, and through a jump`, async () => {
      const answer = { output: 'some input', errors: 'err\n', status: 7 };
      expect(await does(library, 'exec')).toEqual(answer);
      expect(await does(library, 'exec', { jump: 'web1' })).toEqual(answer);
    });

    test(`${library} has a shell on a terminal`, async () => {
      const { seen, status } = await does(library, 'shell');
      expect({ seen: String(seen).replaceAll('\r', ''), status }).toEqual({
        seen: expect.stringContaining('33 91\n'),
        status: 5,
      });
    });

    test(`${library} puts, renames and gets over sftp`, () =>
      moves(library, 'sftp', ['back', 'there2']));

    test(`${library} forwards to a place that the grant names`, async () => {
      expect(await does(library, 'forward', { echo: said.port })).toEqual({ said: 'said' });
    });

    test(`${library} asks for signs of life in a silence`, async () => {
      expect(await does(library, 'keepalive', { keepalive: true })).toEqual({
        output: 'alive\n',
        status: 0,
      });
    });

    test(`${library} renews its keys`, async () => {
      expect(await does(library, 'rekey', { rekey: true })).toEqual({ same: [true, true, true] });
    });
  }

  test('asyncssh copies both ways with its own scp', () =>
    moves('asyncssh', 'scp', ['back', 'there2']));
});
