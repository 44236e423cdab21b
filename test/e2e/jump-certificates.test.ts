import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fingerprint } from '../../src/ssh/host-key.ts';
import { dataOf } from '../support/api-call.ts';
import { JumpClient } from '../support/jump-client.ts';
import { needs, the } from '../support/requirements.ts';
import { must, run } from '../support/run.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd', 'scp').describe('ssh -J with the one @cert-authority line', () => {
  let stage: Stage;
  let alice: JumpClient;
  let login: string;
  let authority: string;
  let lines: string;
  beforeAll(async () => {
    stage = await openStage();
    const { sshd, bastion } = stage;
    login = sshd.login;
    await bastion.apply(`
machines:
  - name: ByHost
    kind: ssh
    host: localhost
    port: ${sshd.port}
    login: ${login}
    auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }
    recording: required
grants:
  - { to: { user: alice }, on: { machine: ByHost }, allow: [exec] }
`);
    const published = async (...args: readonly string[]): Promise<string> => {
      const { stdout } = await bastion.cli('machine', 'known-hosts', ...args);
      return stdout.toString();
    };
    [authority, lines] = await Promise.all([published('--ca'), published()]);
    alice = knowing(authority);
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const at = (machine: string): string => `${login}@${machine}`;
  const knowing = (known: string): JumpClient =>
    new JumpClient(stage.alice, stage.bastion.ssh, known);
  /** The same configuration, with something else in the known_hosts file. */
  const hi = async (client: JumpClient, more: readonly string[]): Promise<void> => {
    const done = await client.ssh('alice', [...more, 'echo hi']);
    expect({ ...done, stdout: done.stdout.toString() }).toMatchObject({
      status: 0,
      stderr: '',
      stdout: 'hi\n',
    });
  };

  test('by name, whatever its case, by host and port', async () => {
    const port = ['-p', String(stage.sshd.port)];
    await hi(alice, [at('web1')]);
    await hi(alice, [...port, at('web1')]);
    await hi(alice, [at('WEB1')]);
    await hi(alice, [at('byhost')]);
    await hi(alice, [...port, at('localhost')]);
    expect(await stage.bastion.lastEnded()).toMatchObject({ machine: { name: 'ByHost' } });
    expect(readFileSync(stage.alice.path('published'), 'utf8')).toBe(authority);
  });

  test('files with scp -J, with new keys in between', async () => {
    const [from, to] = [stage.alice.path('from'), stage.alice.path('to')];
    writeFileSync(from, randomBytes(5_000_000));
    const args = alice.args('alice', '-q', '-o', 'RekeyLimit=1M', from, `${at('web1')}:${to}`);
    expect(await run(the('scp'), args)).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(to).equals(readFileSync(from))).toBe(true);
  });

  test('refuses the certificate under a name that is not the machine', async () => {
    const { host, port } = stage.bastion.ssh;
    const proxy = `${the('ssh')} -F ${alice.config} -W web1:22 -l alice -p ${port} ${host}`;
    const args = ['-F', alice.config, '-o', `ProxyCommand=${proxy}`, '-o', 'LogLevel=INFO'];
    const done = await run(the('ssh'), [...args, at('shell1'), 'true']);
    expect(done.status).toBe(255);
    expect(done.stderr).toContain('name is not a listed principal');
  });

  test('refuses the certificate of another authority', async () => {
    const other = authority.replace(/ssh-ed25519 \S+/, stage.alice.publicKey);
    const done = await knowing(other).ssh('alice', [at('web1'), 'true']);
    expect(done.status).toBe(255);
    expect(done.stderr).toContain('Host key verification failed');
  });

  test('follows a machine to its new name', async () => {
    const { machines } = dataOf(await stage.bastion.api('machines?search=exec1')) as {
      machines: { id: string }[];
    };
    const path = `machines/${machines[0]?.id}`;
    const rename = (name: string) => stage.bastion.api(path, { method: 'PATCH', body: { name } });
    expect(await rename('renamed1')).toMatchObject({ status: 200 });
    alice = knowing(authority);
    await hi(alice, [at('renamed1')]);
    expect((await alice.ssh('alice', [at('exec1'), 'true'])).status).toBe(255);
    expect(await rename('exec1')).toMatchObject({ status: 200 });
  });

  test('clients that want no certificate, or trust no authority, get the plain key', async () => {
    const plain = knowing(lines);
    await hi(plain, [at('web1')]);
    await hi(plain, ['-o', 'HostKeyAlgorithms=ssh-ed25519', at('web1')]);
    await hi(plain, ['-o', 'HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com', at('web1')]);
    expect(readFileSync(stage.alice.path('published'), 'utf8')).toBe(lines);
    const refused = await knowing(authority).ssh('alice', [
      ...['-o', 'HostKeyAlgorithms=ssh-ed25519', at('web1')],
      'true',
    ]);
    expect(refused.status).toBe(255);
  });

  needs('plink', 'puttygen').describe('PuTTY', () => {
    test('gets the plain key through a proxy command', async () => {
      const key = stage.alice.path('id.ppk');
      await must(the('puttygen'), [stage.alice.identity, '-O', 'private', '-o', key]);
      const [line] = lines.split('\n').filter((one) => one.startsWith('web1,'));
      const blob = Buffer.from(line?.split(' ')[2] ?? '', 'base64');
      const { host, port } = stage.bastion.ssh;
      const way = `${the('ssh')} -F ${alice.config} -W %host:%port -l alice -p ${port} ${host}`;
      const args = ['-batch', '-i', key, '-hostkey', fingerprint(blob), '-proxycmd', way];
      const done = await run(the('plink'), [...args, at('web1'), 'exit 6']);
      expect(done).toMatchObject({ status: 6 });
    });
  });

  test('the same authority after a restart, in the API, and for whoever is signed in', async () => {
    await stage.bastion.stop();
    await stage.bastion.start();
    alice = knowing(authority);
    await hi(alice, [at('web1')]);
    const text = await fetch(`${stage.bastion.url}/v1/known-hosts?format=authority`, {
      headers: { authorization: `Bearer ${stage.bastion.token}` },
    });
    expect(await text.text()).toBe(authority);
    const whole = dataOf(await stage.bastion.api('known-hosts'));
    expect(whole).toMatchObject({ certificate_authority: { line: authority.trim() } });
  });
});
