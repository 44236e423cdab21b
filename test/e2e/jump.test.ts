import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { eventually, within } from '../support/eventually.ts';
import { JumpClient } from '../support/jump-client.ts';
import { needs, the } from '../support/requirements.ts';
import { run } from '../support/run.ts';
import { openStage, type Stage } from '../support/stage.ts';

const isDenial = (type: string): boolean => type === 'access.denied' || type === 'channel.denied';

interface Named {
  readonly id: string;
  readonly name: string;
}

needs('ssh', 'sshd', 'scp', 'sftp').describe('ssh -J through the bastion', () => {
  let stage: Stage;
  let alice: JumpClient;
  let login: string;
  beforeAll(async () => {
    stage = await openStage();
    const { sshd, bastion } = stage;
    login = sshd.login;
    await bastion.apply(`
machines:
  - name: byhost
    kind: ssh
    host: localhost
    port: ${sshd.port}
    login: ${login}
    auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }
    recording: required
grants:
  - { to: { user: alice }, on: { machine: byhost }, allow: [exec] }
`);
    const known = await bastion.cli('machine', 'known-hosts');
    expect(known).toMatchObject({ status: 0, stderr: '' });
    alice = new JumpClient(stage.alice, bastion.ssh, known.stdout.toString());
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const at = (machine: string): string => `${login}@${machine}`;

  test('by name: a recorded session of the outer user, with the exit status', async () => {
    const done = await alice.ssh('alice', [at('web1'), 'cat; echo err >&2; exit 7'], {
      input: 'in',
    });
    expect(done).toMatchObject({ status: 7, stderr: 'err\n' });
    expect(done.stdout.toString()).toBe('in');
    const session = await stage.bastion.lastEnded();
    expect(session).toMatchObject({
      status: 'stopped',
      kind: 'exec',
      login,
      exit_status: 7,
      user: { name: 'alice' },
      machine: { name: 'web1' },
      recordings: [{ state: 'complete' }],
    });
  });

  test('by host and port, on the machine that is there', async () => {
    const done = await alice.ssh('alice', [
      '-p',
      String(stage.sshd.port),
      at('localhost'),
      'echo hi',
    ]);
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(done.stdout.toString()).toBe('hi\n');
    expect(await stage.bastion.lastEnded()).toMatchObject({ machine: { name: 'byhost' } });
  });

  test('whatever machine the outer user name names', async () => {
    const done = await alice.ssh('alice+exec1', [at('WEB1'), 'echo hi']);
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(await stage.bastion.lastEnded()).toMatchObject({ machine: { name: 'web1' } });
  });

  test('with a terminal', async () => {
    await using screen = alice.terminal('alice', at('shell1'));
    screen.type('tty; exit 3\r');
    expect(await screen.exited()).toBe(3);
    expect(screen.text).toMatch(/\/dev\/pts\/\d/);
    expect(await stage.bastion.lastEnded()).toMatchObject({
      kind: 'shell',
      machine: { name: 'shell1' },
      recordings: [{ state: 'complete' }],
    });
  });

  test('files by scp, sftp and rsync', async () => {
    const from = stage.alice.path('some file');
    writeFileSync(from, randomBytes(3_000_000));
    const same = (path: string): void =>
      expect(readFileSync(path).equals(readFileSync(from)), path).toBe(true);
    const jump = alice.args('alice');
    const scp = stage.alice.path('scp');
    expect(await run(the('scp'), [...jump, '-q', from, `${at('web1')}:${scp}`])).toMatchObject({
      status: 0,
    });
    same(scp);
    const batch = stage.alice.path('jump_batch');
    const got = stage.alice.path('sftp');
    writeFileSync(batch, `get ${scp} ${got}\n`);
    expect(await run(the('sftp'), [...jump, '-q', '-b', batch, at('web1')])).toMatchObject({
      status: 0,
    });
    same(got);
    expect(await stage.bastion.lastEnded()).toMatchObject({ kind: 'sftp' });
  });

  needs('rsync').describe('rsync', () => {
    test('copies a tree', async () => {
      const [from, to] = [stage.alice.path('tree'), stage.alice.path('tree2')];
      mkdirSync(from);
      writeFileSync(`${from}/one`, randomBytes(1_000_000));
      const shell = [the('ssh'), ...alice.args('alice')].join(' ');
      const args = ['-a', '-e', shell, `${from}/`, `${at('web1')}:${to}/`];
      expect(await run(the('rsync'), args)).toMatchObject({ status: 0 });
      expect(readFileSync(`${to}/one`).equals(readFileSync(`${from}/one`))).toBe(true);
    });
  });

  test('as a ProxyCommand with -W', async () => {
    const { host, port } = stage.bastion.ssh;
    const proxy = [the('ssh'), '-F', alice.config, '-W', '%h:%p', '-l', 'alice', '-p', port, host];
    const option = `ProxyCommand=${proxy.join(' ')}`;
    const done = await run(the('ssh'), ['-F', alice.config, '-o', option, at('web1'), 'echo hi']);
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(done.stdout.toString()).toBe('hi\n');
  });

  test('with a ControlMaster inside: channels of one session', async () => {
    const over = ['-S', stage.alice.path('inner-mux')];
    const master = alice.spawn('alice', '-M', ...over, '-N', '-T', at('web1'));
    const gone = new Promise((resolve) => master.once('exit', resolve));
    await eventually('the master listens', async () => {
      const check = await alice.ssh('alice', [...over, '-O', 'check', at('web1')]);
      return check.status === 0;
    });
    for (const status of [1, 2]) {
      const done = await alice.ssh('alice', [...over, at('web1'), `exit ${status}`]);
      expect(done.status).toBe(status);
    }
    await alice.ssh('alice', [...over, '-O', 'exit', at('web1')]);
    await within('the master ends', gone);
    expect((await stage.bastion.lastEnded()).channels).toHaveLength(2);
  });

  test('refuses a login that no grant names, and notes it', async () => {
    const done = await alice.ssh('alice', ['nobody2@web1', 'true']);
    expect(done.status).toBe(255);
    expect(done.stderr).toMatch(/^postern: .*nobody2/);
    await stage.bastion.audited('access.denied');
  });

  test('refuses what the grant does not name', async () => {
    const done = await alice.ssh('alice', [at('shell1'), 'true']);
    expect(done).toMatchObject({
      status: 255,
      stderr: 'postern: no grant allows you exec on shell1\n',
    });
  });

  test('does not open the way to a machine that is not theirs, nor to anything unknown', async () => {
    const bob = new JumpClient(stage.bob, stage.bastion.ssh, '');
    for (const where of ['web1', 'nowhere']) {
      const before = (await stage.bastion.audit()).filter(isDenial);
      const done = await bob.ssh('bob', [at(where), 'true']);
      expect(done.status).toBe(255);
      expect(done.stderr).toContain('stdio forwarding failed');
      await eventually('it is noted', async () => {
        const after = (await stage.bastion.audit()).filter(isDenial);
        return after.length > before.length;
      });
    }
  });

  test('shows everybody the keys of the machines that they may reach', async () => {
    const text = await fetch(`${stage.bastion.url}/v1/known-hosts?format=text`, {
      headers: { authorization: `Bearer ${stage.bastion.token}` },
    });
    const { port } = stage.sshd;
    expect(await text.text()).toContain(`byhost,[byhost]:${port},[localhost]:${port} ssh-ed25519 `);
    const users = dataOf(await stage.bastion.api('users')) as { users: Named[] };
    const bob = users.users.find(({ name }) => name === 'bob');
    const made = await stage.bastion.api('tokens', {
      method: 'POST',
      body: { name: 'bob', user_id: bob?.id, scopes: ['sessions:read'] },
    });
    expect(made).toMatchObject({ status: 201 });
    const { token } = JSON.parse(made.text).data as { token: string };
    const seen = dataOf(await stage.bastion.api('known-hosts', { token }));
    expect(seen).toMatchObject({ known_hosts: [] });
  });

  test('ends with the inner session when that is terminated', async () => {
    const child = alice.spawn('alice', at('web1'), 'echo up; sleep 60');
    const gone = new Promise((resolve) => child.once('exit', resolve));
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    await eventually('it runs', () => child.stdout?.readableLength);
    const [live] = await stage.bastion.sessions();
    expect(await stage.bastion.api(`sessions/${live?.id}`, { method: 'DELETE' })).toMatchObject({
      status: 200,
    });
    expect(await within('ssh ends', gone)).toBe(255);
    expect(errors).toMatch(/postern: .*ended/);
    expect(await stage.bastion.lastEnded()).toMatchObject({ end_reason: 'terminated' });
  });

  test('ends the inner session when the outer connection is gone', async () => {
    const socket = stage.alice.path('outer-mux');
    const { host, port } = stage.bastion.ssh;
    const outer = ['-F', alice.config, '-S', socket, '-l', 'alice', '-p', String(port)];
    const master = run(the('ssh'), [...outer, '-M', '-N', '-T', host], { deadlineMs: 60_000 });
    await eventually('the master listens', () => existsSync(socket));
    const proxy = `ProxyCommand=${the('ssh')} ${outer.join(' ')} -W %h:%p ${host}`;
    const child = run(the('ssh'), [
      ...['-F', alice.config, '-o', proxy],
      ...[at('web1'), 'sleep 60'],
    ]);
    await eventually('it is live', async () => {
      const [live] = await stage.bastion.sessions();
      return live?.status === 'active';
    });
    await run(the('ssh'), [...outer, '-O', 'exit', host]);
    await master;
    expect((await child).status).toBe(255);
    expect(await stage.bastion.lastEnded()).toMatchObject({ end_reason: 'client_lost' });
  });

  test('shows the same host keys after a restart, and tells who is inside why it ends', async () => {
    const child = alice.spawn('alice', at('web1'), 'echo up; sleep 60');
    const gone = new Promise((resolve) => child.once('exit', resolve));
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    await eventually('it runs', () => child.stdout?.readableLength);
    await stage.bastion.stop();
    expect(await within('ssh ends', gone)).toBe(255);
    expect(errors).toMatch(/^postern: /m);
    await stage.bastion.start();
    const known = readFileSync(stage.alice.path('published'), 'utf8');
    const again = new JumpClient(stage.alice, stage.bastion.ssh, known);
    const done = await again.ssh('alice', [at('web1'), 'echo hi']);
    expect(done).toMatchObject({ status: 0, stderr: '' });
  });
});
