import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JumpClient } from '../../support/jump-client.ts';
import { needs, the } from '../../support/requirements.ts';
import { type Finished, run } from '../../support/run.ts';
import { openStage, type Stage } from '../../support/stage.ts';

const NAMES = Array.from({ length: 20 }, (_, index) => `many${index + 1}`);

needs('ssh', 'sshd', 'ansible').describe('Ansible on twenty machines at once', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
    const { sshd, alice, bastion } = stage;
    const machines = NAMES.map(
      (name) => `
  - name: ${name}
    kind: ssh
    host: ${sshd.host}
    port: ${sshd.port}
    login: ${sshd.login}
    tags: { env: many }
    auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }`,
    );
    await bastion.apply(`
machines:${machines.join('')}
grants:
  - to: { user: alice }
    on: { tag: env=many }
    allow: [exec, sftp]
`);
    const known = await bastion.cli('machine', 'known-hosts');
    const jump = new JumpClient(alice, bastion.ssh, known.stdout.toString());
    mkdirSync(alice.path('cp'));
    const shared = 'ansible_python_interpreter=/usr/bin/python3';
    const direct = NAMES.map((name) => {
      const at = `ansible_host=${bastion.ssh.host} ansible_port=${bastion.ssh.port}`;
      return `${name} ${at} ansible_user=alice+${name}`;
    });
    const options = `-F ${jump.config} -o ProxyJump=${jump.via('alice')}`;
    const inventory = [
      '[direct]',
      ...direct,
      '[direct:vars]',
      `ansible_ssh_common_args='${alice.options().join(' ')}'`,
      shared,
    ];
    const jumping = [
      '[jumping]',
      ...NAMES.map((name) => `${name} ansible_user=${sshd.login}`),
      '[jumping:vars]',
      `ansible_ssh_common_args='${options}'`,
      shared,
    ];
    writeFileSync(alice.path('direct'), `${inventory.join('\n')}\n`);
    writeFileSync(alice.path('jumping'), `${jumping.join('\n')}\n`);
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const ansible = (
    inventory: string,
    env: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): Promise<Finished> =>
    run(the('ansible'), ['-i', stage.alice.path(inventory), '-f', '20', 'all', '-o', ...args], {
      env: {
        ANSIBLE_HOME: stage.alice.path('ansible'),
        ANSIBLE_LOCAL_TEMP: stage.alice.path('ansible-local'),
        ANSIBLE_REMOTE_TEMP: stage.alice.path('ansible-remote'),
        ANSIBLE_SSH_CONTROL_PATH_DIR: stage.alice.path('cp'),
        ANSIBLE_NOCOLOR: '1',
        ...env,
      },
      deadlineMs: 50_000,
    });
  const hosts = (output: Buffer, pattern: RegExp): string[] =>
    [...output.toString().matchAll(pattern)].map(([, name]) => name ?? '').sort();

  test('at USER+MACHINE@bastion, pipelined over connections that persist', async () => {
    const env = {
      ANSIBLE_PIPELINING: '1',
      ANSIBLE_SSH_ARGS: '-o ControlMaster=auto -o ControlPersist=10s',
    };
    const ping = await ansible('direct', env, '-m', 'ping');
    expect(hosts(ping.stdout, /^(\S+) \| SUCCESS => .*"pong"/gm)).toEqual([...NAMES].sort());
    const shell = await ansible('direct', env, '-m', 'shell', '-a', 'echo $((6 * 7))');
    expect(hosts(shell.stdout, /^(\S+) \| CHANGED \| rc=0 \| \(stdout\) 42/gm)).toEqual(
      [...NAMES].sort(),
    );
    // One session a machine served both.
    const sessions = await stage.bastion.sessions('status=all&limit=100');
    expect(sessions).toHaveLength(NAMES.length);
  });

  test('with ProxyJump', async () => {
    const env = { ANSIBLE_SSH_ARGS: '-o ControlPath=none', ANSIBLE_PIPELINING: '1' };
    const ping = await ansible('jumping', env, '-m', 'ping');
    expect(hosts(ping.stdout, /^(\S+) \| SUCCESS => .*"pong"/gm)).toEqual([...NAMES].sort());
  });
});
