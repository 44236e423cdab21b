import { readFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import type { Finished } from '../support/run.ts';
import { newClient } from '../support/ssh-client.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';

/** One line on stderr that says why, and nothing on stdout. */
function refused(done: Finished, reason: string | RegExp): void {
  expect(done.status).toBe(255);
  expect(done.stdout.toString()).toBe('');
  const lines = done.stderr.trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^postern: /);
  expect(lines[0]).toMatch(reason);
}

needs('ssh', 'sshd').describe('who comes to the bastion', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  test('with a key that nobody has is not let in, and noted', async () => {
    const done = await stage.stranger.ssh('alice+web1', 'true');
    expect(done.status).toBe(255);
    expect(done.stderr).toContain('Permission denied');
    await eventually('the audit has it', async () =>
      (await stage.bastion.audit()).includes('auth.failed'),
    );
  });

  test('with the right password is let in, with a wrong one is not', async () => {
    const right = await stage.stranger.withPassword('alice+web1', PASSWORD, 'echo in');
    expect(right.stdout.toString()).toBe('in\n');
    const wrong = await stage.stranger.withPassword('alice+web1', `${PASSWORD}!`, 'echo in');
    expect(wrong.status).toBe(255);
    expect(wrong.stderr).toContain('Permission denied');
    const none = await stage.stranger.withPassword('bob+web1', PASSWORD, 'echo in');
    expect(none.status).toBe(255);
    expect(none.stderr).toContain('Permission denied');
  });

  test.each([
    ['ecdsa', ['-t', 'ecdsa', '-b', '256']],
    ['rsa', ['-t', 'rsa', '-b', '2048']],
  ])('may have a key of type %s', async (_type, keyOptions) => {
    using carol = await newClient(() => stage.bastion.ssh, ...keyOptions);
    await stage.bastion.apply(`
users: [{ name: carol, role: member, keys: [${JSON.stringify(carol.publicKey)}] }]
grants: [{ to: { user: carol }, on: { machine: web1 }, allow: [exec] }]
`);
    const done = await carol.ssh('carol+web1', 'echo in');
    expect(done).toMatchObject({ status: 0, stderr: '' });
  });

  test('for a machine that there is not, and for one that is not theirs, hears the same', async () => {
    refused(
      await stage.alice.ssh('alice+nowhere', 'true'),
      'no machine nowhere that you may reach',
    );
    refused(await stage.bob.ssh('bob+web1', 'true'), 'no machine web1 that you may reach');
  });

  test('without a machine hears which there are', async () => {
    refused(await stage.alice.ssh('alice', 'true'), /alice\+MACHINE.*exec1.*shell1.*web1/);
    refused(await stage.bob.ssh('bob', 'true'), 'you may reach no machine');
  });

  test('may do what the grant names, and nothing else', async () => {
    refused(await stage.alice.ssh('alice+shell1', 'true'), 'no grant allows you exec on shell1');
    expect((await stage.alice.sftp('alice+shell1', ['pwd'])).status).not.toBe(0);
    expect(await stage.alice.ssh('alice+exec1', 'exit 4')).toMatchObject({ status: 4 });
    await using screen = stage.alice.terminal('alice+exec1');
    expect(await screen.exited()).toBe(255);
    expect(screen.text).toMatch(/^postern: no grant allows you shell on exec1$/m);
    await eventually('the audit has it', async () =>
      (await stage.bastion.audit()).includes('channel.denied'),
    );
  });

  test('may be the logins that the grant names, and no other', async () => {
    const done = await stage.alice.ssh('alice+somebody@web1', 'true');
    refused(done, 'no grant allows you the login somebody on web1');
    const own = await stage.alice.ssh(`alice+${stage.sshd.login}@web1`, 'exit 3');
    expect(own.status).toBe(3);
    const colon = await stage.alice.ssh(`alice:${stage.sshd.login}@web1`, 'exit 3');
    expect(colon.status).toBe(3);
  });

  test('gets no forwarding', async () => {
    const more = ['-o', 'ExitOnForwardFailure=yes', '-W', `127.0.0.1:${stage.sshd.port}`];
    const done = await stage.alice.ssh('alice+web1', null, { more });
    expect(done.status).toBe(255);
    expect(done.stdout.toString()).toBe('');
  });

  test.each([
    '',
    '+',
    '+web1',
    'alice+',
    'alice++web1',
    'alice+@web1',
    'alice+root@',
    'alice+root@web1@',
    'alice+web1+web1',
    'alice web1',
    'alice+we b1',
    'alice\n+web1',
    'alice\0+web1',
    '../alice+web1',
    '$(id)+web1',
    'ali\u0441e+web1',
    `alice+${'w'.repeat(300)}`,
    'a'.repeat(5000),
  ])('under the name %j is not let in', async (username) => {
    const visitor = new ssh2.Client();
    const outcome = new Promise<string>((resolve) => {
      visitor.once('ready', () => resolve('let in'));
      visitor.once('error', (error) => resolve(error.message));
      visitor.once('close', () => resolve('closed'));
    });
    const { host, port } = stage.bastion.ssh;
    const privateKey = readFileSync(stage.alice.identity);
    // ssh2 does not send an empty name.
    const name = username === '' ? ' ' : username;
    visitor.connect({ host, port, username: name, privateKey, readyTimeout: 10_000 });
    const answer = await within('an answer', outcome);
    visitor.destroy();
    expect(answer).not.toBe('let in');
    expect(answer).not.toContain('Timed out');
  });
});

needs('ssh', 'sshd').describe('a machine behind the bastion', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  test('is trusted at first, and refused once its host key has changed', async () => {
    const { alice, bastion, sshd } = stage;
    expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
    await bastion.audited('host_key.pinned');
    await sshd.swapHostKey();
    refused(
      await alice.ssh('alice+web1', 'echo in'),
      /the host key of web1 has changed: pinned SHA256:\S+, offered SHA256:\S+/,
    );
    expect(await bastion.lastEnded()).toMatchObject({
      status: 'failed',
      end_reason: 'host_key_changed',
    });
    await bastion.audited('host_key.changed');
    // A setup with the new key in it is how an admin accepts it.
    await bastion.apply(`
machines:
  - name: web1
    kind: ssh
    host: ${sshd.host}
    port: ${sshd.port}
    login: ${sshd.login}
    auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }
    host_key: ${JSON.stringify(sshd.hostKeyLine)}
`);
    expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
  });

  test('that is down is said to be, and is reached again when it is up', async () => {
    const { alice, bastion, sshd } = stage;
    await sshd.stop();
    refused(await alice.ssh('alice+exec1', 'echo in'), 'cannot reach exec1: ');
    expect(await bastion.lastEnded()).toMatchObject({
      status: 'failed',
      end_reason: 'machine_unreachable',
    });
    await sshd.start();
    expect(await alice.ssh('alice+exec1', 'exit 3')).toMatchObject({ status: 3 });
  });

  test('that does not take the stored key is said not to', async () => {
    const { alice, bastion, sshd, stranger } = stage;
    await bastion.apply(`
machines:
  - name: locked
    kind: ssh
    host: ${sshd.host}
    port: ${sshd.port}
    login: ${sshd.login}
    auth: { key: { file: ${JSON.stringify(stranger.identity)} } }
grants: [{ to: { user: alice }, on: { machine: locked }, allow: [exec] }]
`);
    const reason = `locked did not accept the stored credentials for ${sshd.login}`;
    refused(await alice.ssh('alice+locked', 'echo in'), reason);
    expect(await bastion.lastEnded()).toMatchObject({
      status: 'failed',
      end_reason: 'machine_auth_failed',
    });
  });

  test('that goes down under a session ends it, and says so', async () => {
    const { alice, bastion, sshd } = stage;
    const child = alice.spawn('alice+exec1', 'echo up; exec sleep 1000');
    const ended = new Promise((resolve) => child.once('close', resolve));
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    await eventually('it runs', () => child.stdout?.readableLength);
    child.stdout?.resume();
    await sshd.stop();
    expect(await within('ssh ends', ended)).toBe(255);
    expect(errors).toContain('postern: the connection to exec1 was lost');
    expect(await bastion.lastEnded()).toMatchObject({
      status: 'stopped',
      end_reason: 'machine_lost',
    });
    await sshd.start();
  });
});
