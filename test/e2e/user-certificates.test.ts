import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { type CertifyOptions, certify, withCertificate } from '../support/certify.ts';
import { needs, the } from '../support/requirements.ts';
import { type Finished, must } from '../support/run.ts';
import { makeKey } from '../support/sshd.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { startTokenAgent, TOUCHED, type TokenAgent, VERIFIED } from '../support/token-agent.ts';

const REFUSED = /Permission denied/;

needs('ssh', 'sshd', 'ssh-keygen').describe('signing in with a certificate', () => {
  let stage: Stage;
  let ca: string;
  let otherCa: string;
  beforeAll(async () => {
    stage = await openStage();
    ca = stage.stranger.path('ca');
    otherCa = stage.stranger.path('other_ca');
    await makeKey(ca);
    await makeKey(otherCa, '-t', 'ecdsa');
    const map = '--principal=ops=alice';
    expect(await stage.bastion.cli('ca', 'add', 'staff', `${ca}.pub`, map)).toMatchObject({
      status: 0,
    });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** With a key that nobody knows and a certificate of it. */
  const attempt = async (
    options: CertifyOptions,
    { command = 'echo in', user = 'alice+web1', by = ca, more = [] as string[] } = {},
  ) => {
    const certificate = await withCertificate(stage.stranger, by, options);
    return await stage.stranger.ssh(user, command, { more: [...certificate, ...more] });
  };

  const events = async (type: string) => {
    const answer = dataOf(await stage.bastion.api(`audit?type=${type}&limit=1`));
    return (answer as { events: readonly unknown[] }).events;
  };

  test('lets the user in whom it names, and says so in the audit', async () => {
    const done = await attempt({ principals: 'alice', keyId: 'alice at work', serial: 77 });
    expect(done).toMatchObject({ status: 0, stdout: Buffer.from('in\n') });
    expect(await events('auth.succeeded')).toMatchObject([
      {
        actor: 'alice',
        detail: {
          method: 'certificate',
          key_id: 'alice at work',
          serial: '77',
          authority: 'staff',
        },
      },
    ]);
    expect(await stage.bastion.lastEnded()).toMatchObject({ user: { name: 'alice' } });
  });

  const GOOD: readonly (readonly [string, CertifyOptions])[] = [
    ['one of its principals', { principals: 'nobody,alice' }],
    ['a principal that is mapped to her', { principals: 'ops' }],
    [
      'the address that it is for',
      { principals: 'alice', options: ['source-address=127.0.0.0/8'] },
    ],
    ['an extension that is not known', { principals: 'alice', options: ['extension:a@b=c'] }],
  ];
  test.each(GOOD)('lets her in with %s', async (_what, options) => {
    expect(await attempt(options)).toMatchObject({ status: 0 });
  });

  const BAD: readonly (readonly [what: string, options: CertifyOptions, user: string])[] = [
    ['that has expired', { principals: 'alice', valid: '20200101:20200102' }, 'alice+web1'],
    ['that is not valid yet', { principals: 'alice', valid: '+1d:+2d' }, 'alice+web1'],
    ['for somebody else', { principals: 'bob' }, 'alice+web1'],
    ['for nobody', {}, 'alice+web1'],
    ['of a host', { principals: 'alice', host: true }, 'alice+web1'],
    [
      'for another address',
      { principals: 'alice', options: ['source-address=192.0.2.0/24'] },
      'alice+web1',
    ],
    [
      'with an option that is not known',
      { principals: 'alice', options: ['critical:a@b=c'] },
      'alice+web1',
    ],
    [
      'that demands a token of a key on none',
      { principals: 'alice', options: ['verify-required'] },
      'alice+web1',
    ],
    ['of an unknown user', { principals: 'zoe' }, 'zoe+web1'],
    ['of bob where only alice may', { principals: 'ops' }, 'bob+web1'],
  ];
  test.each(BAD)('refuses one %s', async (_what, options, user) => {
    const done = await attempt(options, { user });
    expect(done.status).toBe(255);
    expect(done.stderr).toMatch(REFUSED);
    expect(done.stdout.toString()).toBe('');
  });

  test('refuses one of an authority that it does not trust', async () => {
    const done = await attempt({ principals: 'alice' }, { by: otherCa });
    expect(done).toMatchObject({ status: 255, stderr: expect.stringMatching(REFUSED) });
  });

  describe('refuses one that was revoked', () => {
    const revoked = async (
      wanted: { kind: string; value: string; authority?: string },
      act: () => Promise<Finished>,
    ) => {
      expect(await act()).toMatchObject({ status: 0 });
      const made = await stage.bastion.api('revocations', { method: 'POST', body: wanted });
      expect(made.status).toBe(201);
      const after = await act();
      const { id } = (made.body?.data ?? { id: '' }) as { id: string };
      await stage.bastion.api(`revocations/${id}`, { method: 'DELETE' });
      return after;
    };
    const certified = (options: CertifyOptions) => () =>
      attempt({ principals: 'alice', ...options });
    const fingerprintOf = async (file: string) => {
      const { stdout } = await must(the('ssh-keygen'), ['-l', '-f', file]);
      return stdout.toString().split(' ')[1] ?? '';
    };
    const denied = { status: 255, stderr: expect.stringMatching(REFUSED) };

    test('by its serial, for its authority alone', async () => {
      const wanted = { kind: 'serial', value: '5', authority: 'ca_1' };
      expect(await revoked(wanted, certified({ serial: 5 }))).toMatchObject(denied);
      expect(await revoked(wanted, certified({ serial: 6 }))).toMatchObject({ status: 0 });
    });
    test('by its key id', async () => {
      const wanted = { kind: 'key_id', value: 'old laptop' };
      expect(await revoked(wanted, certified({ keyId: 'old laptop' }))).toMatchObject(denied);
    });
    test('by the fingerprint of its key', async () => {
      const value = await fingerprintOf(`${stage.stranger.identity}.pub`);
      expect(await revoked({ kind: 'fingerprint', value }, certified({}))).toMatchObject(denied);
    });
    test('by the fingerprint of its authority', async () => {
      const value = await fingerprintOf(`${ca}.pub`);
      expect(await revoked({ kind: 'fingerprint', value }, certified({}))).toMatchObject(denied);
    });
    test('and a plain key too', async () => {
      const value = await fingerprintOf(`${stage.alice.identity}.pub`);
      const act = () => stage.alice.ssh('alice+web1', 'true');
      expect(await revoked({ kind: 'fingerprint', value }, act)).toMatchObject(denied);
    });
    test('until the revocation is taken back', async () => {
      const value = await fingerprintOf(`${ca}.pub`);
      const made = await stage.bastion.cli('revocation', 'add', '--fingerprint', value);
      expect(made).toMatchObject({ status: 0, stdout: expect.anything() });
      const id = /rvk_\d+/.exec(made.stdout.toString())?.[0] ?? '';
      expect(await attempt({ principals: 'alice' })).toMatchObject(denied);
      expect(await stage.bastion.cli('revocation', 'rm', id)).toMatchObject({ status: 0 });
      expect(await attempt({ principals: 'alice' })).toMatchObject({ status: 0 });
    });
  });

  test('runs the command that it forces, whatever is asked for', async () => {
    const options = { principals: 'alice', options: ['force-command=echo forced; exit 7'] };
    const done = await attempt(options, { command: 'cat /etc/passwd' });
    expect(done).toMatchObject({ status: 7, stdout: Buffer.from('forced\n') });
    expect(await events('channel.forced')).toMatchObject([
      { detail: { command: 'echo forced; exit 7', asked_command: 'cat /etc/passwd' } },
    ]);
    const shell = await stage.stranger.ssh('alice+web1', null, {
      more: await withCertificate(stage.stranger, ca, options),
      input: 'echo typed\n',
    });
    expect(shell).toMatchObject({ status: 7, stdout: Buffer.from('forced\n') });
    const subsystem = await attempt(options, { command: 'sftp', more: ['-s'] });
    expect(subsystem).toMatchObject({ status: 7, stdout: Buffer.from('forced\n') });
    const session = await stage.bastion.lastEnded();
    expect(session).toMatchObject({ channels: [{ kind: 'exec', exit_status: 7 }] });
  });

  test('gives no terminal without permit-pty', async () => {
    const terminal = { command: 'tty', more: ['-tt'] };
    const with_ = await attempt({ principals: 'alice' }, terminal);
    expect(with_.stdout.toString()).toContain('/dev/');
    const without = await attempt({ principals: 'alice', options: ['no-pty'] }, terminal);
    expect(without.stdout.toString()).toBe('');
    expect(without.stderr).toContain('PTY allocation request failed');
    const plain = await attempt({ principals: 'alice', options: ['no-pty'] });
    expect(plain).toMatchObject({ status: 0, stdout: Buffer.from('in\n') });
  });

  test.each([
    ['rsa', ['-t', 'rsa', '-b', '2048']],
    ['ecdsa', ['-t', 'ecdsa', '-b', '384']],
  ])('takes a key of %s', async (name, type) => {
    const file = stage.stranger.path(name);
    await makeKey(file, ...type);
    await certify(ca, file, { principals: 'alice' });
    const more = ['-o', `IdentityFile=${file}`, '-o', `CertificateFile=${file}-cert.pub`];
    const done = await stage.stranger.ssh('alice+web1', 'echo in', { more });
    expect(done).toMatchObject({ status: 0, stdout: Buffer.from('in\n') });
  });

  describe.each(['ed25519', 'ecdsa'] as const)('a security token of %s', (kind) => {
    let agent: TokenAgent;
    let file: string;
    beforeAll(async () => {
      file = stage.stranger.path(`token_${kind}`);
      agent = await startTokenAgent(stage.stranger.path(`agent_${kind}`), kind);
      writeFileSync(`${file}.pub`, `${agent.publicKey}\n`);
      const body = { key: agent.publicKey };
      const found = dataOf(await stage.bastion.api('users?search=alice'));
      const [alice] = (found as { users: { id: string }[] }).users;
      const added = await stage.bastion.api(`users/${alice?.id}/keys`, { method: 'POST', body });
      expect(added.status).toBe(201);
    });
    afterAll(async () => {
      await agent?.[Symbol.asyncDispose]();
    });

    const go = (certificate: readonly string[] = [], user = 'alice+web1') =>
      stage.stranger.ssh(user, 'echo in', {
        more: [
          ...['-o', `IdentityAgent=${agent.socket}`, '-o', `IdentityFile=${file}.pub`],
          ...certificate,
        ],
      });

    test('lets its user in when it is touched, and not otherwise', async () => {
      agent.flags = TOUCHED;
      expect(await go()).toMatchObject({ status: 0, stdout: Buffer.from('in\n') });
      agent.flags = 0;
      expect(await go()).toMatchObject({ status: 255, stderr: expect.stringMatching(REFUSED) });
    });

    test('must verify its user where a certificate demands it', async () => {
      // For bob, whose own key it is not.
      await certify(ca, file, { principals: 'bob', options: ['verify-required'] });
      const certificate = ['-o', `CertificateFile=${file}-cert.pub`];
      agent.flags = TOUCHED;
      const refused = await go(certificate, 'bob+web1');
      agent.flags = TOUCHED | VERIFIED;
      const letIn = await go(certificate, 'bob+web1');
      expect(refused.stderr).not.toContain('no machine');
      expect(letIn.stderr).toContain('no machine web1');
    });
  });
});
