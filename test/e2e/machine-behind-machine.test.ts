import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bastion, startBastion } from '../support/bastion.ts';
import { needs } from '../support/requirements.ts';
import { newClient, type SshClient } from '../support/ssh-client.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';

needs('ssh', 'sshd').describe('a machine behind another', () => {
  let bastion: Bastion;
  let gate: TestSshd;
  let web: TestSshd;
  let alice: SshClient;

  const machines = (gateJump = ''): string => `machines:
  - name: web1
    host: ${web.host}
    port: ${web.port}
    login: ${web.login}
    auth: { key: { file: ${JSON.stringify(web.keyFile)} } }
    jump: gate
  - name: gate
    host: ${gate.host}
    port: ${gate.port}
    login: ${gate.login}
    auth: { certificate: true }${gateJump}
`;

  beforeAll(async () => {
    bastion = await startBastion();
    alice = await newClient(() => bastion.ssh);
    const { stdout } = await bastion.cli('ca', 'show');
    const trustedUserCas = [stdout.toString().trim()];
    gate = await startSshd({ trustedUserCas, authorized: false, more: ['LogLevel DEBUG1'] });
    web = await startSshd();
    await bastion.apply(
      `users:\n  - { name: alice, keys: [${JSON.stringify(alice.publicKey)}] }\n${machines()}` +
        'grants:\n  - { to: { user: alice }, on: { machine: web1 }, allow: [shell, exec, sftp] }\n',
    );
  });
  afterAll(async () => {
    await gate?.[Symbol.asyncDispose]();
    await web?.[Symbol.asyncDispose]();
    alice?.[Symbol.dispose]();
    await bastion?.[Symbol.asyncDispose]();
  });

  test('is reached by a grant on it alone, every byte both ways', async () => {
    const input = randomBytes(2_000_000);
    const done = await alice.ssh('alice+web1', 'cat; exit 6', { input });
    expect(done.status).toBe(6);
    expect(done.stdout.equals(input)).toBe(true);
    const session = await bastion.lastEnded();
    expect(session).toMatchObject({ machine: { name: 'web1' }, exit_status: 6 });
    expect(gate.log()).toContain(` ID postern:alice:${session.id} `);
    expect(gate.log()).toContain('direct-tcpip');
  });

  test('gives no access to the one in front', async () => {
    const refused = await alice.ssh('alice+gate', 'true');
    expect(refused.status).toBe(255);
    expect(refused.stderr).not.toContain('did not accept');
  });

  test('shows what it is behind, and keeps it from being removed', async () => {
    const shown = await bastion.cli('machine', 'show', 'web1', '--json');
    expect(JSON.parse(shown.stdout.toString())).toMatchObject({ jump_host: 'gate' });
    const removed = await bastion.cli('machine', 'rm', 'gate');
    expect([removed.status, removed.stderr]).toEqual([1, expect.stringContaining('web1')]);
  });

  test('cannot be in front of itself', async () => {
    await expect(bastion.apply(machines('\n    jump: web1'))).rejects.toThrow(
      /machines\[0\]\.jump.*web1 -> gate -> web1/,
    );
    const answer = await bastion.api('machines?search=gate');
    const { id } = (answer.body as { data: { machines: { id: string }[] } }).data.machines[0] ?? {
      id: '',
    };
    const changed = await bastion.api(`machines/${id}`, {
      method: 'PATCH',
      body: { jump_host: 'web1' },
    });
    expect([changed.status, JSON.stringify(changed.body)]).toEqual([
      400,
      expect.stringContaining('gate -> web1 -> gate'),
    ]);
  });

  test('is out of reach when the one in front shows another key, and that one is named', async () => {
    await gate.swapHostKey();
    const refused = await alice.ssh('alice+web1', 'true');
    expect(refused.status).toBe(255);
    expect(refused.stderr).toContain('the host key of gate has changed');
    await gate.stop();
    const gone = await alice.ssh('alice+web1', 'true');
    expect(gone.stderr).toContain('cannot reach gate');
  });
});
