import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { ApiUser } from '../support/approvals.ts';
import { openPage } from '../support/chromium.ts';
import { codeOf } from '../support/codes.ts';
import { eventually, within } from '../support/eventually.ts';
import { descendants, kill } from '../support/processes.ts';
import { needs } from '../support/requirements.ts';
import { startSecondNode } from '../support/second-node.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';
import { TerminalUser, WebTerminalClient } from '../support/web-terminal.ts';

needs('ssh', 'sshd', 'chromium').describe("access to a browser's terminal", () => {
  let stage: Stage;
  let alice: TerminalUser;
  beforeAll(async () => {
    stage = await openStage();
    const { bastion, sshd, bob } = stage;
    writeFileSync(bob.path('password'), PASSWORD, { mode: 0o600 });
    const machine = (name: string): string => `
  - name: ${name}
    kind: ssh
    host: ${sshd.host}
    port: ${sshd.port}
    login: ${sshd.login}
    auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }
    recording: required`;
    await bastion.apply(`
users:
  - { name: lena, role: member, password: { file: ${JSON.stringify(bob.path('password'))} } }
machines:${machine('safe1')}${machine('lent1')}${machine('strict1')}
grants:
  - to: { user: alice }
    on: { machine: safe1 }
    allow: [shell]
    approval: { by: { user: lena } }
  - { to: { user: alice }, on: { machine: lent1 }, allow: [shell] }
  - { to: { user: alice }, on: { machine: strict1 }, allow: [shell], mfa: true }
`);
    alice = await TerminalUser.of(bastion, 'alice');
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const message = (answer: Awaited<ReturnType<TerminalUser['ask']>>): string =>
    `${answer.status} ${answer.body?.error?.message}`;

  test('waits for an approval by asking again, for one session each', async () => {
    const lena = await ApiUser.of(stage.bastion, 'lena');
    expect(message(await alice.ask('safe1'))).toMatch(/^409 waiting for approval by user lena/);
    const { id, kind } = await lena.open();
    expect(kind).toBe('web');
    // The same request, not another one.
    expect(message(await alice.ask('safe1'))).toContain(id);
    expect(await lena.decide(id, 'approve')).toMatchObject({ status: 200 });
    const made = await eventually('the session', async () => {
      const answer = await alice.ask('safe1');
      return answer.status === 201 ? (answer.body?.data as { session_id: string }) : null;
    });
    const session = await stage.bastion.session(made.session_id);
    expect(session).toMatchObject({ kind: 'web', approval: { id, approved_by: 'lena' } });
    await stage.bastion.api(`sessions/${made.session_id}`, { method: 'DELETE' });
    expect(message(await alice.ask('safe1'))).toMatch(/^409 waiting/);
    const second = await lena.open();
    expect(second.id).not.toBe(id);
    await lena.decide(second.id, 'deny', { reason: 'not today' });
    await eventually('the refusal', async () => {
      const answer = await alice.ask('safe1');
      return answer.status === 403 && message(answer).includes('not today');
    });
  });

  test('ends with the grant that it rests on', async () => {
    using open = await alice.open('lent1');
    const machine = await alice.machineId('lent1');
    const all = dataOf(await stage.bastion.api('grants?limit=100')) as {
      readonly grants: readonly {
        readonly id: string;
        readonly on: { machine?: { id: string } };
      }[];
    };
    const grant = all.grants.find(({ on }) => on.machine?.id === machine);
    const gone = await stage.bastion.api(`grants/${grant?.id}`, { method: 'DELETE' });
    expect(gone).toMatchObject({ status: 200 });
    expect(await within('it closes', open.client.closed)).toBe(1000);
    expect(open.client.messages.slice(-2)).toMatchObject([
      { type: 'error', message: 'your access to lent1 was taken back' },
      { type: 'disconnect', reason: 'access_revoked' },
    ]);
  });

  test('needs a verification code where a grant demands one, once each', async () => {
    expect(message(await alice.ask('strict1'))).toMatch(/^403 .*needs a verification code/);
    const { bastion } = stage;
    const keys = `keys: [${JSON.stringify(stage.alice.publicKey)}]`;
    await bastion.apply(`users:\n  - { name: alice, ${keys}, totp: required }\n`);
    await using browser = await openPage();
    const { page } = browser;
    await page.goto(bastion.url);
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Set up a second factor' }).waitFor();
    const secret = (await page.locator('code').innerText()).replaceAll(' ', '');
    await page.getByLabel('Verification code').fill(codeOf(secret));
    await page.getByRole('button', { name: 'Sign in' }).click();
    const [first = '', second = ''] = await page.locator('.codes code').allInnerTexts();
    await bastion.apply(`users:\n  - { name: alice, ${keys}, totp: optional }\n`);
    expect(message(await alice.ask('strict1', { code: '000000' }))).toMatch(/^403 wrong/);
    const made = await alice.make('strict1', { code: first });
    expect(message(await alice.ask('strict1', { code: first }))).toMatch(/^403 wrong/);
    await bastion.api(`sessions/${made.session_id}`, { method: 'DELETE' });

    await page.goto(`${bastion.url}/terminal`);
    await page.getByRole('button', { name: 'Connect to strict1' }).click();
    await page.getByLabel('Verification code').fill(second);
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByText('Connected').waitFor();
    await page.goto(`${bastion.url}/`);
    expect(await bastion.lastEnded()).toMatchObject({ end_reason: 'client_closed' });
  });

  test('ends with the process that holds it', async () => {
    using open = await alice.open('web1');
    for (const pid of descendants(stage.bastion.pid)) kill(pid, 'SIGKILL');
    expect(await within('it closes', open.client.closed)).toBe(1011);
    await eventually('its end is noted', async () => {
      const { end_reason } = await stage.bastion.session(open.made.session_id);
      return end_reason === 'worker_died';
    });
    await eventually('a new process works', async () => (await alice.ask('web1')).status === 201);
  });

  test.skipIf(inject('backend') !== 'postgres')('is on the node that made it', async () => {
    await using other = await startSecondNode(stage.bastion);
    const there = await TerminalUser.of(other, 'alice');
    using open = await there.open('web1');
    const elsewhere = open.made.websocket_url.replace(
      other.url.slice(4),
      stage.bastion.url.slice(4),
    );
    const made = await there.make('web1');
    using lost = new WebTerminalClient(elsewhere.replace(open.made.session_id, made.session_id));
    await lost.opened;
    lost.send({ type: 'auth', token: made.token });
    expect(await within('it closes', lost.closed)).toBe(4401);
    await stage.bastion.api(`sessions/${open.made.session_id}`, { method: 'DELETE' });
    expect(await within('it closes', open.client.closed)).toBe(1000);
    expect(open.client.last).toMatchObject({ type: 'disconnect', reason: 'terminated' });
    await stage.bastion.api(`sessions/${made.session_id}`, { method: 'DELETE' });
  });

  test('is told when the server stops', async () => {
    using open = await alice.open('web1');
    await stage.bastion.stop();
    expect(await within('it closes', open.client.closed)).toBe(1000);
    expect(open.client.messages.slice(-2)).toMatchObject([
      { type: 'error', message: 'the bastion is shutting down' },
      { type: 'disconnect', reason: 'drained' },
    ]);
    await stage.bastion.start();
    expect(await stage.bastion.session(open.made.session_id)).toMatchObject({
      end_reason: 'drained',
    });
  });
});
