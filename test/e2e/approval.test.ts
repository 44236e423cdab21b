import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { ApiUser, type ApprovalView } from '../support/approvals.ts';
import { type OpenPage, openPage } from '../support/chromium.ts';
import { eventually, within } from '../support/eventually.ts';
import { JumpClient } from '../support/jump-client.ts';
import { needs } from '../support/requirements.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';

/** A running `ssh`, what it said so far, and how it ends. */
interface Live {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly out: () => string;
  readonly errors: () => string;
}

needs('ssh', 'sshd', 'sftp', 'chromium').describe('a session that needs an approval', () => {
  const settings: { POSTERN_APPROVAL_TIMEOUT?: string } = {};
  let stage: Stage;
  let lena: ApiUser;
  let alice: ApiUser;
  let bob: ApiUser;
  beforeAll(async () => {
    stage = await openStage({ settings });
    const { bastion } = stage;
    writeFileSync(stage.bob.path('password'), PASSWORD, { mode: 0o600 });
    await bastion.apply(setup());
    lena = await ApiUser.of(bastion, 'lena');
    alice = await ApiUser.of(bastion, 'alice');
    bob = await ApiUser.of(bastion, 'bob');
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** alice is one of those who may approve, so that only being the asker is in her way. */
  function setup(): string {
    const { host, port, login, keyFile } = stage.sshd;
    const machine = (name: string): string => `
  - name: ${name}
    kind: ssh
    host: ${host}
    port: ${port}
    login: ${login}
    auth: { key: { file: ${JSON.stringify(keyFile)} } }
    recording: required`;
    return `
users:
  - { name: lena, role: member, password: { file: ${JSON.stringify(stage.bob.path('password'))} } }
groups:
  - { name: leads, members: [lena, alice] }
machines:${machine('safe1')}${machine('mix1')}
grants:
  - to: { user: alice }
    on: { machine: safe1 }
    allow: [shell, exec, sftp, forward-local]
    forward_to: ["127.0.0.1:${port}"]
    approval: { by: { group: leads } }
  - { to: { user: alice }, on: { machine: mix1 }, allow: [exec] }
  - to: { user: alice }
    on: { machine: mix1 }
    allow: [exec, sftp]
    approval: { by: { user: lena } }
`;
  }

  function watched(child: ChildProcess): Live {
    let [out, errors] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    return { child, ended, out: () => out, errors: () => errors };
  }

  function asks(command: string, machine = 'safe1'): Live {
    return watched(stage.alice.spawn(`alice+${machine}`, command));
  }

  async function told(live: Live): Promise<ApprovalView> {
    const open = await lena.open();
    await eventually('the user knows', () => live.errors().includes('waiting for approval'));
    return open;
  }

  async function closed(id: string): Promise<ApprovalView> {
    return await eventually('the request is closed', async () => {
      const seen = dataOf(await lena.get(`approvals/${id}`)) as ApprovalView;
      return seen.status === 'pending' ? null : seen;
    });
  }

  const types = async (): Promise<readonly string[]> =>
    (await stage.bastion.audit()).filter((type) => type.startsWith('approval.'));

  test('waits, says so, and goes on once it is approved', async () => {
    const before = (await stage.bastion.sessions('status=all&limit=100')).length;
    const live = asks('cat; exit 7');
    live.child.stdin?.end('early input');
    const request = await told(live);
    const number = request.id.replace('apr_', '');
    expect(live.errors()).toBe(
      `postern: waiting for approval by group leads (request ${request.id}, ${stage.bastion.url}/approvals/${number})\n`,
    );
    expect(request).toMatchObject({
      user: { name: 'alice' },
      machine: { name: 'safe1' },
      login: stage.sshd.login,
      kind: 'exec',
      by: 'group leads',
      may_decide: true,
    });
    expect(await stage.bastion.sessions('status=all&limit=100')).toHaveLength(before);
    const answer = await lena.decide(request.id, 'approve', { reason: 'ticket 4711' });
    expect(dataOf(answer)).toMatchObject({ status: 'approved', decided_by: 'lena' });
    expect(await within('ssh ends', live.ended)).toBe(7);
    expect(live.out()).toBe('early input');
    expect(live.errors()).toContain(`postern: request ${request.id} was approved by lena\n`);
    expect(await stage.bastion.lastEnded()).toMatchObject({
      exit_status: 7,
      approval: { id: request.id, approved_by: 'lena', reason: 'ticket 4711' },
      recordings: [{ state: 'complete' }],
    });
    expect((await types()).slice(1, 3)).toEqual(['approval.granted', 'approval.requested']);
    expect(await lena.decide(request.id, 'deny')).toMatchObject({ status: 409 });
  });

  test('is for one session: the next one asks again, and reads why it was denied', async () => {
    const live = asks('echo never');
    const request = await told(live);
    const done = await lena.cli('approval', 'deny', request.id, '--reason', 'not on a Friday');
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(await within('ssh ends', live.ended)).toBe(255);
    expect(live.errors()).toContain(
      `postern: request ${request.id} was denied by lena: not on a Friday\n`,
    );
    expect(live.out()).toBe('');
    expect((await types())[0]).toBe('approval.denied');
  });

  test('is not the business of others: not of the asker, of admins, of those outside', async () => {
    const live = asks('echo in');
    const { id } = await told(live);
    const [mine] = await alice.approvals();
    expect(mine).toMatchObject({ id, may_decide: false });
    const own = await alice.decide(id, 'approve', {});
    expect(own).toMatchObject({ status: 403 });
    expect(own.text).toContain('is your own');
    expect(await bob.approvals('status=all')).toEqual([]);
    expect(await bob.get(`approvals/${id}`)).toMatchObject({ status: 404 });
    expect(await bob.decide(id, 'approve', {})).toMatchObject({ status: 404 });
    const admin = await stage.bastion.api(`approvals/${id}/approve`, { method: 'POST', body: {} });
    expect(admin).toMatchObject({ status: 403 });
    expect(admin.text).toContain('only group leads may decide');
    const listed = await lena.cli('approval', 'ls');
    expect(listed.stdout.toString()).toMatch(/apr_\d+ +alice +safe1/);
    const done = await lena.cli('approval', 'approve', id);
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(await within('ssh ends', live.ended)).toBe(0);
    expect(live.out()).toBe('in\n');
  });

  test('is approved in the console', async () => {
    await using opened: OpenPage = await openPage();
    const { page, problems } = opened;
    await using screen = stage.alice.terminal('alice+safe1');
    await screen.shows(/postern: waiting for approval by group leads \(request apr_\d+/);
    screen.type('echo typed while waiting\r');
    const { id } = await lena.open();
    await page.goto(`${stage.bastion.url}/approvals/${id.replace('apr_', '')}`);
    await page.getByLabel('User name').fill('lena');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: /Request \d+: alice wants .*@safe1/ }).waitFor();
    await page.getByRole('link', { name: 'Approvals' }).click();
    await page.getByLabel('Reason (optional)').fill('seen by lena');
    await page.getByLabel('Reason (optional)').press('Enter');
    expect(await lena.approvals()).toMatchObject([{ id, status: 'pending' }]);
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('approved by lena: seen by lena').waitFor();
    await screen.shows(/was approved by lena/);
    await screen.shows(/^typed while waiting$/m);
    screen.type('exit 3\r');
    expect(await screen.exited()).toBe(3);
    expect(await stage.bastion.lastEnded()).toMatchObject({
      kind: 'shell',
      approval: { approved_by: 'lena', reason: 'seen by lena' },
    });
    expect(problems).toEqual([]);
  });

  test('is called off with Ctrl-C under a terminal, and with the connection', async () => {
    await using screen = stage.alice.terminal('alice+safe1');
    await screen.shows('waiting for approval');
    const { id } = await lena.open();
    screen.type('x\x03');
    expect(await screen.exited()).toBe(255);
    expect(screen.text).toContain(`postern: request ${id} was called off`);
    expect(await closed(id)).toMatchObject({ status: 'called_off' });
    const live = asks('echo never');
    const next = await told(live);
    live.child.kill('SIGINT');
    expect(await closed(next.id)).toMatchObject({ status: 'called_off' });
    expect(await lena.decide(next.id, 'approve', {})).toMatchObject({ status: 409 });
    expect((await types())[0]).toBe('approval.called_off');
    await live.ended;
  });

  test('is not asked for where another grant allows the same', async () => {
    const done = await stage.alice.ssh('alice+mix1', 'echo at once');
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(await lena.approvals()).toEqual([]);
    expect(await stage.bastion.lastEnded()).toMatchObject({ approval: null });
  });

  test('of sftp, and of a machine behind -J', async () => {
    const file = stage.alice.path('big');
    const back = stage.alice.path('back');
    const bytes = randomBytes(300_000);
    writeFileSync(file, bytes);
    const remote = stage.alice.path('remote');
    const sftp = stage.alice.sftp('alice+mix1', [`put ${file} ${remote}`, `get ${remote} ${back}`]);
    const request = await lena.open();
    expect(request).toMatchObject({ kind: 'sftp', by: 'user lena' });
    await lena.decide(request.id, 'approve', {});
    expect(await sftp).toMatchObject({ status: 0 });
    expect(readFileSync(back).equals(bytes)).toBe(true);

    const known = await stage.bastion.cli('machine', 'known-hosts');
    const jump = new JumpClient(stage.alice, stage.bastion.ssh, known.stdout.toString());
    const live = watched(jump.spawn('alice', `${stage.sshd.login}@safe1`, 'echo inside'));
    const inner = await told(live);
    await lena.decide(inner.id, 'approve', {});
    expect(await within('ssh ends', live.ended)).toBe(0);
    expect(live.out()).toBe('inside\n');
    expect(await stage.bastion.lastEnded()).toMatchObject({ approval: { id: inner.id } });
  });

  test('asks once for the shell and the forward of one connection', async () => {
    const place = `127.0.0.1:${stage.sshd.port}`;
    const live = watched(stage.alice.spawn('alice+safe1', null, ['-W', place]));
    const request = await lena.open();
    expect(request).toMatchObject({ kind: 'forward' });
    await lena.decide(request.id, 'approve', {});
    await eventually('the banner', () => live.out().startsWith('SSH-2.0-'));
    live.child.kill();
    await live.ended;
    expect(await stage.bastion.lastEnded()).toMatchObject({ approval: { id: request.id } });
  });

  test('ends with the grant: while it waits, and once it lives', async () => {
    const waiting = asks('echo never');
    const first = await told(waiting);
    const all = dataOf(await stage.bastion.api('grants?limit=100')) as {
      readonly grants: readonly { readonly id: string; readonly on: unknown }[];
    };
    const grant = all.grants.find((one) => JSON.stringify(one.on).includes('safe1'));
    const remove = () => stage.bastion.api(`grants/${grant?.id}`, { method: 'DELETE' });
    expect(await remove()).toMatchObject({ status: 200 });
    expect(await within('ssh ends', waiting.ended)).toBe(255);
    expect(waiting.errors()).toContain('postern: your access to safe1 was taken back');
    expect(await closed(first.id)).toMatchObject({ status: 'called_off' });

    await stage.bastion.apply(setup());
    const live = asks('echo ready; exec sleep 1000');
    await lena.decide((await told(live)).id, 'approve', {});
    await eventually('it runs', () => live.out().includes('ready'));
    const [session] = await stage.bastion.sessions('search=safe1');
    await stage.bastion.apply(setup());
    await stage.bastion.apply(setup().replace('sftp, forward-local', 'sftp'));
    expect(await within('ssh ends', live.ended)).toBe(255);
    const ended = await stage.bastion.lastEnded();
    expect(ended).toMatchObject({ id: session?.id, end_reason: 'access_revoked' });
  });

  test('is called off with its node, and with time', async () => {
    const { bastion } = stage;
    await bastion.apply(setup());
    const lost = asks('echo never');
    const { id } = await told(lost);
    await bastion.kill();
    expect(await within('ssh ends', lost.ended)).toBe(255);
    settings.POSTERN_APPROVAL_TIMEOUT = '2s';
    await bastion.start();
    expect(await closed(id)).toMatchObject({ status: 'called_off' });
    const live = asks('echo never');
    const late = await told(live);
    expect(await within('ssh ends', live.ended)).toBe(255);
    expect(live.errors()).toContain(`postern: nobody decided on request ${late.id} in time\n`);
    expect(await closed(late.id)).toMatchObject({ status: 'expired' });
    expect(await lena.decide(late.id, 'approve', {})).toMatchObject({ status: 409 });
  });
});
