import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('a grant', () => {
  let stage: Stage;
  let carol: SshClient;
  let overIpv6: SshClient;
  beforeAll(async () => {
    // One listener for both families: IPv4 comes in as mapped addresses.
    stage = await openStage({ settings: { POSTERN_SSH_LISTEN: '[::]:0' } });
    const { port } = stage.bastion.ssh;
    carol = await newClient(() => ({ host: '127.0.0.1', port }));
    overIpv6 = await newClient(() => ({ host: '::1', port }));
    overIpv6.adopt(carol.identity);
    await stage.bastion.apply(setup());
  });
  afterAll(async () => {
    carol?.[Symbol.dispose]();
    overIpv6?.[Symbol.dispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  const GRANTS: Readonly<Record<string, string>> = {
    idle: 'idle_timeout: 3s',
    long: 'max_session: 2s',
    v4: 'from_networks: [127.0.0.0/30]',
    v6: 'from_networks: ["::1/128"]',
    mapped: 'from_networks: ["::ffff:127.0.0.2/128"]',
    both: 'from_networks: [192.0.2.0/24, 127.0.0.0/8, "::1/128"]',
    neither: 'from_networks: [192.0.2.0/24, "2001:db8::/32"]',
  };

  function setup(): string {
    const { sshd } = stage;
    const names = Object.keys(GRANTS);
    const machine = (name: string) => `
  - name: ${name}
    kind: ssh
    host: ${sshd.host}
    port: ${sshd.port}
    login: ${sshd.login}
    auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }
    recording: off`;
    const grant = (name: string) => `
  - { to: { user: carol }, on: { machine: ${name} }, allow: [shell, exec], ${GRANTS[name]} }`;
    return `
users:
  - { name: carol, role: member, keys: [${JSON.stringify(carol.publicKey)}] }
machines:${names.map(machine).join('')}
grants:${names.map(grant).join('')}
`;
  }

  test('with an idle timeout ends a session in which nothing happens, and no other', async () => {
    const busy = carol.ssh('carol+idle', 'for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done');
    const quiet = await carol.ssh('carol+idle', 'sleep 1000');
    expect(quiet).toMatchObject({
      status: 255,
      stderr: 'postern: this session was idle for too long\n',
    });
    expect(await busy).toMatchObject({ status: 0 });
    const two = await stage.bastion.sessions('status=ended&search=idle&limit=2');
    expect(two.map((one) => one.end_reason).sort()).toEqual(['client_closed', 'idle_timeout']);
  });

  test('with a longest session ends one that is busy', async () => {
    const busy = await carol.ssh('carol+long', 'yes', { hashOnly: true });
    expect(busy.status).toBe(255);
    expect(busy.stderr).toBe(
      'postern: this session reached the longest time that the grant allows\n',
    );
    expect(await stage.bastion.lastEnded()).toMatchObject({ end_reason: 'max_session' });
  });

  test.each([
    ['idle', 'idle_timeout'],
    ['long', 'max_session'],
  ])('ends a session in which no program runs, with its connection: %s', async (name, reason) => {
    const control = carol.path(`control-${name}`);
    const master = ['-o', 'ControlMaster=yes', '-o', `ControlPath=${control}`, '-N'];
    const child = carol.spawn(`carol+${name}`, null, master);
    const ended = new Promise((done) => child.once('close', done));
    await eventually('the master listens', () => existsSync(control));
    const more = ['-o', `ControlPath=${control}`];
    expect(await carol.ssh(`carol+${name}`, 'true', { more })).toMatchObject({ status: 0 });
    await within('the connection ends', ended, 8000);
    expect(await stage.bastion.lastEnded()).toMatchObject({ end_reason: reason });
  });

  describe('for some networks', () => {
    const from = (address: string): string[] => ['-b', address];

    test.each([
      ['v4', '127.0.0.2', true],
      ['v4', '127.0.0.9', false],
      ['mapped', '127.0.0.2', true],
      ['mapped', '127.0.0.3', false],
      ['v6', '127.0.0.1', false],
      ['both', '127.0.0.9', true],
      ['neither', '127.0.0.1', false],
    ])('%s over IPv4 from %s: %s', async (name, address, letIn) => {
      const answer = await carol.ssh(`carol+${name}`, 'echo in', { more: from(address) });
      expectAnswer(answer, name, letIn);
      if (letIn) return;
      await eventually('it is in the audit', async () => {
        return (await stage.bastion.audit()).includes('access.denied');
      });
    });

    test.each([
      ['v6', true],
      ['v4', false],
      ['mapped', false],
      ['both', true],
      ['neither', false],
    ])('%s over IPv6: %s', async (name, letIn) => {
      expectAnswer(await overIpv6.ssh(`carol+${name}`, 'echo in'), name, letIn);
    });
  });

  function expectAnswer(
    { status, stdout, stderr }: Awaited<ReturnType<SshClient['ssh']>>,
    name: string,
    letIn: boolean,
  ): void {
    expect([status, stdout.toString(), stderr]).toEqual(
      letIn
        ? [0, 'in\n', '']
        : [255, '', `postern: your grant on ${name} is not valid from this address\n`],
    );
  }
});
