import { createHash, randomBytes } from 'node:crypto';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadHostKey } from '../../src/ssh/host-key.ts';
import type { ServerLimits } from '../../src/ssh/server.ts';
import { eventually, within } from '../support/eventually.ts';
import { JumpClient } from '../support/jump-client.ts';
import { needs } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { openProxyStage, type ProxyStage, runOn, seen } from './stage.ts';

/** Connects through a connection to a machine, as `ssh -J` does. */
async function jump(
  outer: Client,
  host: string,
  port: number,
  options: ConnectConfig,
): Promise<Client> {
  const sock = await new Promise<ssh2.ClientChannel>((resolve, reject) => {
    outer.forwardOut('127.0.0.1', 0, host, port, (error, channel) =>
      error ? reject(error) : resolve(channel),
    );
  });
  const inner = new ssh2.Client();
  const ready = new Promise<void>((resolve, reject) => {
    inner.once('ready', resolve);
    inner.on('error', reject);
  });
  inner.connect({ sock, ...options });
  await within('the inner connection', ready);
  return inner;
}

needs('sshd', 'ssh').describe('a connection inside of a connection', () => {
  let sshd: TestSshd;
  let stage: ProxyStage;
  const open = async (limits: Partial<ServerLimits> = {}): Promise<ProxyStage> => {
    const opened = await openProxyStage({ limits });
    await opened.addSshd('web1', sshd);
    return opened;
  };
  beforeAll(async () => {
    sshd = await startSshd();
    stage = await open();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
  });

  test('takes whatever key or password the client offers: the outer one has proved who it is', async () => {
    const outer = await stage.connect('alice+web1');
    for (const offered of [{ password: 'anything' }, { privateKey: stage.aliceKey }]) {
      const inner = await jump(outer, 'web1', 22, { username: sshd.login, ...offered });
      expect(await runOn(inner, 'echo in')).toMatchObject({ out: Buffer.from('in\n'), code: 0 });
      inner.end();
    }
    expect(await stage.ended()).toMatchObject({ userName: 'alice', machineName: 'web1' });
    expect(stage.dials()).toBe(2);
  });

  test('does not get in with a user name that can be no login', async () => {
    const outer = await stage.connect('alice+web1');
    const inner = jump(outer, 'web1', 22, { username: 'a b', password: 'anything' });
    await expect(inner).rejects.toThrow('authentication methods failed');
  });

  test('may be in another such one, three deep', async () => {
    let client = await stage.connect('alice+web1');
    for (let depth = 1; depth <= 3; depth += 1) {
      client = await jump(client, 'web1', 22, { username: sshd.login });
      expect((await runOn(client, 'echo in')).code).toBe(0);
    }
    await expect(jump(client, 'web1', 22, { username: sshd.login })).rejects.toThrow(
      'open failure',
    );
  });

  test('tells the client of the plain key alone, whose certificate it shows to others', async () => {
    const outer = await stage.connect('alice+web1');
    const inner = await jump(outer, 'web1', 22, { username: sshd.login });
    const told = new Promise<readonly ssh2.ParsedKey[]>((resolve) => {
      inner.once('hostkeys', resolve);
    });
    const [key, ...others] = await within('the host keys', told);
    expect(others).toEqual([]);
    expect(key?.type).toBe('ssh-ed25519');
    expect(key?.getPublicSSH()).toHaveLength(51);
  });

  test('counts as a connection', async () => {
    await using small = await open({ maxConnections: 2 });
    const outer = await small.connect('alice');
    const inner = await jump(outer, 'web1', 22, { username: sshd.login });
    await expect(jump(outer, 'web1', 22, { username: sshd.login })).rejects.toThrow('open failure');
    inner.end();
    await eventually('there is room again', () =>
      jump(outer, 'web1', 22, { username: sshd.login }).catch(() => null),
    );
  });

  test('has to authenticate in time', async () => {
    await using hasty = await open({ graceMs: 500 });
    const outer = await hasty.connect('alice');
    const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) => {
      outer.forwardOut('127.0.0.1', 0, 'web1', 22, (error, opened) =>
        error ? reject(error) : resolve(opened),
      );
    });
    await seen(channel);
    expect((await runOn(outer, 'echo still here')).code).toBe(0);
  });

  test('leaves loopback addresses to the machine that the outer one is on the way to', async () => {
    await stage.addSshd('local', sshd, { host: 'localhost' });
    const outer = await stage.connect('alice');
    await jump(outer, 'localhost', sshd.port, { username: sshd.login });
    const named = await stage.connect('alice+web1');
    const inner = jump(named, 'localhost', sshd.port, { username: sshd.login });
    await expect(inner).rejects.toThrow('open failure');
  });

  test('carries the same bytes both ways, with new keys in between on both', async () => {
    await using fresh = await open({ rekeyBytes: 1_000_000 });
    const user = { userId: fresh.userId, userName: 'alice', proof: null };
    const facts = { connectionId: 'c', sourceAddress: '127.0.0.1', client: '' };
    const found = await fresh.control.jump(user, { host: 'web1', port: 22 }, facts);
    const known = found.outcome === 'machine' ? loadHostKey(found.hostKey).publicLine : '';
    const at = { host: '127.0.0.1', port: fresh.port };
    const alice = new JumpClient(fresh.alice, at, `web1 ${known}\n`);
    const bytes = randomBytes(8_000_000);
    const done = await alice.ssh('alice', [`${sshd.login}@web1`, 'cat'], { input: bytes });
    expect(done).toMatchObject({
      status: 0,
      stderr: '',
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
  });
});
