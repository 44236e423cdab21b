import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { answering, spawnAnswering, sshAnswering } from '../support/answerer.ts';
import { dataOf } from '../support/api-call.ts';
import { withCertificate } from '../support/certify.ts';
import { eventually, within } from '../support/eventually.ts';
import { JumpClient } from '../support/jump-client.ts';
import { needs, the } from '../support/requirements.ts';
import { run } from '../support/run.ts';
import { makeKey } from '../support/sshd.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { startTokenAgent, TOUCHED } from '../support/token-agent.ts';

/** Milliseconds within which what was taken away must be gone. */
const IN_TIME_MS = 2000;

const PROGRAM = 'echo ready; exec sleep 1000';

needs('ssh', 'sshd', 'ssh-keygen').describe('what rests on a second factor', () => {
  let stage: Stage;
  const started: ChildProcess[] = [];
  beforeAll(async () => {
    stage = await openStage();
  });
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** Both users may reach both machines; `strict` is where a second factor is demanded. */
  const grants = (strict: readonly string[], always: readonly string[] = []): Promise<void> =>
    stage.bastion.apply(
      `users:\n${['alice', 'bob']
        .map((user, at) => {
          const { publicKey } = at === 0 ? stage.alice : stage.bob;
          const totp = always.includes(user) ? 'required' : 'optional';
          return `  - { name: ${user}, keys: [${JSON.stringify(publicKey)}], totp: ${totp} }\n`;
        })
        .join('')}grants:\n${['alice', 'bob']
        .flatMap((user) =>
          ['web1', 'exec1'].map((name) => {
            const mfa = strict.includes(`${user} on ${name}`);
            return `  - { to: { user: ${user} }, on: { machine: ${name} }, allow: [exec], mfa: ${mfa} }\n`;
          }),
        )
        .join('')}`,
    );

  async function running(child: ChildProcess) {
    started.push(child);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    let [out, errors] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    await eventually('the program runs', () => out.includes('ready'));
    const [session] = await stage.bastion.sessions('status=active');
    return { id: session?.id ?? '', ended, errors: () => errors };
  }

  async function endsFor(live: Awaited<ReturnType<typeof running>>, name: string) {
    const { id, ended, errors } = live;
    expect(await within('ssh ends', ended, IN_TIME_MS)).toBe(255);
    expect(errors()).toContain(`postern: access to ${name} needs a verification code`);
    await eventually('the row says so', async () => {
      return (await stage.bastion.session(id)).end_reason === 'access_revoked';
    });
  }

  test('a live session without it ends when its grant begins to demand it', async () => {
    await grants([]);
    const live = await running(stage.alice.spawn('alice+exec1', PROGRAM));
    await grants(['alice on exec1']);
    await endsFor(live, 'exec1');
  });

  test('a live session without it ends when its user must have one', async () => {
    await grants([]);
    const live = await running(stage.alice.spawn('alice+exec1', PROGRAM));
    await grants([], ['alice']);
    await endsFor(live, 'exec1');
  });

  test('a live session with it ends when it is reset, and goes on when it is demanded', async () => {
    await grants(['bob on web1']);
    const live = await running(spawnAnswering(stage.bob, 'bob+web1', ['code:0', ''], PROGRAM));
    await grants(['bob on web1'], ['bob']);
    const other = await sshAnswering(stage.bob, 'bob+exec1', ['code:1']);
    expect(other).toMatchObject({ status: 0, stdout: 'in\n' });
    const reset = await stage.bastion.cli('user', 'totp', 'reset', 'bob');
    expect(reset).toMatchObject({ status: 0 });
    await endsFor(live, 'web1');
  });

  test('a connection in another takes it over', async () => {
    await grants(['bob on web1']);
    const known = await stage.bastion.cli('machine', 'known-hosts');
    const jump = new JumpClient(stage.bob, stage.bastion.ssh, known.stdout.toString());
    const config = readFileSync(jump.config, 'utf8').replaceAll('BatchMode yes', 'BatchMode no');
    writeFileSync(jump.config, config);
    const at = [`${stage.sshd.login}@web1`, 'echo in'];
    const { env } = answering(stage.bob, ['code:0', '']);
    const asked = await run(the('ssh'), jump.args('bob', ...at), { env });
    expect(asked).toMatchObject({ status: 0, stdout: Buffer.from('in\n') });
    // On the way to a machine that does not demand it nobody asks.
    const unasked = await run(the('ssh'), jump.args('bob+exec1', ...at), { env });
    expect(unasked).toMatchObject({
      status: 255,
      stderr: expect.stringContaining('access to web1 needs a verification code'),
    });
  });

  test('it is asked for after a certificate, and after a security token', async () => {
    await grants([], ['alice']);
    const ca = stage.stranger.path('ca');
    await makeKey(ca);
    expect(await stage.bastion.cli('ca', 'add', 'staff', `${ca}.pub`)).toMatchObject({ status: 0 });
    const certificate = await withCertificate(stage.stranger, ca, { principals: 'alice' });
    const more = certificate.filter((word) => word !== '-o');
    const refused = await stage.stranger.ssh('alice+web1', 'true', { more: certificate });
    expect(refused).toMatchObject({
      status: 255,
      stderr: expect.stringContaining('Permission denied (keyboard-interactive)'),
    });
    const asked = await sshAnswering(stage.stranger, 'alice+web1', ['code:0', ''], { more });
    expect(asked).toMatchObject({ status: 0, stdout: 'in\n' });

    await using agent = await startTokenAgent(stage.stranger.path('agent'), 'ed25519');
    agent.flags = TOUCHED;
    const file = stage.stranger.path('token.pub');
    writeFileSync(file, `${agent.publicKey}\n`);
    const found = dataOf(await stage.bastion.api('users?search=alice'));
    const [alice] = (found as { users: { id: string }[] }).users;
    const body = { key: agent.publicKey };
    const path = `users/${alice?.id}/keys`;
    expect((await stage.bastion.api(path, { method: 'POST', body })).status).toBe(201);
    const token = [`IdentityAgent=${agent.socket}`, `IdentityFile=${file}`];
    const touched = await sshAnswering(stage.stranger, 'alice+web1', ['code:1'], { more: token });
    expect(touched).toMatchObject({ status: 0, stdout: 'in\n', prompts: [expect.anything()] });
  });

  test('nobody, somebody and who has no password are asked the same, and refused the same', async () => {
    const seen = new Set<string>();
    for (const name of ['nobody', 'alice', 'bob']) {
      const options = { methods: 'keyboard-interactive', more: ['PubkeyAuthentication=no'] };
      const asked = await sshAnswering(stage.stranger, `${name}+web1`, ['wrong'], options);
      seen.add(JSON.stringify(asked).replaceAll(name, 'NAME'));
    }
    expect(seen.size).toBe(1);
    expect([...seen][0]).toContain('Permission denied');
  });
});
