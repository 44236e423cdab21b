import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { openStage, type Stage } from '../support/stage.ts';

/** What a machine of fifteen years ago has, and nothing younger. */
const OLD = [
  'KexAlgorithms diffie-hellman-group14-sha1',
  'HostKeyAlgorithms ssh-rsa',
  'Ciphers aes128-cbc,3des-cbc',
  'MACs hmac-sha1',
];

needs('ssh', 'sshd').describe('a machine with old algorithms', () => {
  let stage: Stage;
  let old: TestSshd;
  beforeAll(async () => {
    stage = await openStage();
    old = await startSshd({ more: OLD, keyType: ['-t', 'rsa', '-b', '2048'] });
    const machine = (name: string, more: string): string => `
  - name: ${name}
    host: ${old.host}
    port: ${old.port}
    login: ${old.login}
    auth: { key: { file: ${JSON.stringify(old.keyFile)} } }${more}`;
    await stage.bastion.apply(`
machines:${machine('refused1', '')}${machine('old1', '\n    algorithms: old')}
grants:
  - { to: { user: alice }, on: { machine: refused1 }, allow: [exec] }
  - { to: { user: alice }, on: { machine: old1 }, allow: [exec] }
`);
  });
  afterAll(async () => {
    await old?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  test('is refused unless it is set to old', async () => {
    const refused = await stage.alice.ssh('alice+refused1', 'true');
    expect(refused.status).toBe(255);
    expect(refused.stderr).toMatch(/^postern: .*refused1/m);
  });

  test('is reached where it is, and its bytes are the same', async () => {
    const input = Buffer.alloc(2_000_000, 'old ');
    const done = await stage.alice.ssh('alice+old1', 'cat; exit 6', { input });
    expect(done.status, done.stderr).toBe(6);
    expect(done.stdout.equals(input)).toBe(true);
  });
});
