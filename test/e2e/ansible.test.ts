import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JumpClient } from '../support/jump-client.ts';
import { needs, the } from '../support/requirements.ts';
import { type Finished, run } from '../support/run.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd', 'scp', 'sftp', 'ansible').describe('Ansible with ProxyJump', () => {
  let stage: Stage;
  let jump: JumpClient;
  beforeAll(async () => {
    stage = await openStage();
    const known = await stage.bastion.cli('machine', 'known-hosts');
    jump = new JumpClient(stage.alice, stage.bastion.ssh, known.stdout.toString());
    const options = `-F ${jump.config} -o ProxyJump=${jump.via('alice')}`;
    const more = `ansible_user=${stage.sshd.login} ansible_python_interpreter=/usr/bin/python3`;
    writeFileSync(
      stage.alice.path('hosts'),
      `web1 ${more} ansible_ssh_common_args='${options} -o ControlPath=none'\n`,
    );
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const ansible = (...args: readonly string[]): Promise<Finished> =>
    run(the('ansible'), ['-i', stage.alice.path('hosts'), 'web1', ...args], {
      env: {
        ANSIBLE_HOME: stage.alice.path('ansible'),
        ANSIBLE_LOCAL_TEMP: stage.alice.path('ansible-local'),
        ANSIBLE_REMOTE_TEMP: stage.alice.path('ansible-remote'),
        ANSIBLE_NOCOLOR: '1',
      },
      deadlineMs: 60_000,
    });

  test('pings, copies and runs a command', async () => {
    const ping = await ansible('-m', 'ping');
    expect(ping.stdout.toString()).toContain('"ping": "pong"');
    const [from, to] = [stage.alice.path('copied'), stage.alice.path('copied there')];
    writeFileSync(from, 'some text\n');
    const copy = await ansible('-m', 'copy', '-a', `src=${from} dest="${to}"`);
    expect(copy.stdout.toString()).toContain('"changed": true');
    expect(readFileSync(to, 'utf8')).toBe('some text\n');
    const shell = await ansible('-m', 'shell', '-a', 'echo $((6 * 7)); exit 3');
    expect(shell.stdout.toString()).toMatch(/rc=3 >>\n42/);
    expect(await stage.bastion.lastEnded()).toMatchObject({
      user: { name: 'alice' },
      machine: { name: 'web1' },
    });
  });
});
