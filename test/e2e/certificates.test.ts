import { userInfo } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bastion, startBastion } from '../support/bastion.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';

const machine = (name: string, sshd: TestSshd, login: string): string =>
  `  - { name: ${name}, host: ${sshd.host}, port: ${sshd.port}, login: ${login}, auth: { certificate: true } }\n`;

needs('ssh', 'sshd').describe('machines that trust the certificates of the bastion', () => {
  let bastion: Bastion;
  let trusting: TestSshd;
  let other: TestSshd;
  let alice: SshClient;
  beforeAll(async () => {
    bastion = await startBastion();
    alice = await newClient(() => bastion.ssh);
    const { stdout } = await bastion.cli('ca', 'show');
    trusting = await startSshd({ trustedUserCas: [stdout.toString().trim()], authorized: false });
    other = await startSshd({ authorized: false });
    const login = userInfo().username;
    await bastion.apply(
      `users:\n  - { name: alice, keys: [${JSON.stringify(alice.publicKey)}] }\nmachines:\n${machine('web1', trusting, login)}${machine('other1', other, login)}` +
        `grants:\n  - { to: { user: alice }, on: { machine: web1 }, logins: [${login}, nobody], allow: [shell, exec, sftp] }\n` +
        '  - { to: { user: alice }, on: { machine: other1 }, allow: [exec] }\n',
    );
  });
  afterAll(async () => {
    await trusting?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    alice?.[Symbol.dispose]();
    await bastion?.[Symbol.asyncDispose]();
  });

  test('are reached, and their log names the user and the session', async () => {
    const first = await alice.ssh('alice+web1', 'echo in; exit 3');
    expect([first.status, first.stdout.toString()]).toEqual([3, 'in\n']);
    const { id } = await bastion.lastEnded();
    await eventually('the log names it', () => trusting.log().includes(` ID postern:alice:${id} `));
    expect((await alice.ssh('alice+web1', 'true')).status).toBe(0);
    const ids = [...trusting.log().matchAll(/ ID (\S+) \(serial (\d+)\)/g)];
    expect(new Set(ids.map(([, keyId]) => keyId)).size).toBe(2);
    expect(new Set(ids.map(([, , serial]) => serial)).size).toBe(2);
  });

  test('give a terminal and files as the grant does', async () => {
    await using screen = alice.terminal('alice+web1', 'tty && echo has "one"');
    await screen.shows('has one');
    expect(await screen.exited()).toBe(0);
    const got = await alice.sftp('alice+web1', ['pwd']);
    expect(got.status).toBe(0);
  });

  test('that trust another authority refuse, and the user is told', async () => {
    const refused = await alice.ssh('alice+other1', 'true');
    expect(refused.status).toBe(255);
    expect(refused.stderr).toContain('postern ca show');
  });

  test('show the same key over the API, and it outlives a restart', async () => {
    const before = await bastion.cli('ca', 'show', '--json');
    const { body } = await bastion.api('ca');
    expect(body).toMatchObject({ data: JSON.parse(before.stdout.toString()) });
    await bastion.stop();
    await bastion.start();
    const after = await bastion.cli('ca', 'show', '--json');
    expect(after.stdout).toEqual(before.stdout);
    expect((await alice.ssh('alice+web1', 'true')).status).toBe(0);
  });
});
