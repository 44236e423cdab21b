import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CertifyOptions, withCertificate } from '../support/certify.ts';
import { eventually, within } from '../support/eventually.ts';
import { type HeldProgram, holdProgram } from '../support/held-program.ts';
import { needs, the } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { makeKey } from '../support/sshd.ts';
import { openStage, type Stage } from '../support/stage.ts';

const IN_TIME_MS = 2000;

needs('ssh', 'sshd', 'ssh-keygen').describe('a live session that a certificate signed in', () => {
  let stage: Stage;
  let ca: string;
  let authority: string;
  beforeAll(async () => {
    stage = await openStage();
    ca = stage.stranger.path('ca');
    await makeKey(ca);
    authority = await trust({});
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  async function trust(fields: object): Promise<string> {
    const key = await must(the('ssh-keygen'), ['-y', '-f', ca]);
    const body = { name: 'staff', key: key.stdout.toString().trim(), ...fields };
    return (await change('POST', 'certificate-authorities', body)).id;
  }

  async function certified(options: CertifyOptions): Promise<HeldProgram> {
    const more = await withCertificate(stage.stranger, ca, { principals: 'alice', ...options });
    return await holdProgram(stage.bastion, stage.stranger, 'alice+web1', more);
  }

  async function change(method: string, path: string, body?: object): Promise<{ id: string }> {
    const answer = await stage.bastion.api(path, {
      method,
      ...(body === undefined ? {} : { body }),
    });
    expect(answer).toMatchObject({ body: { success: true } });
    return (answer.body?.data ?? { id: '' }) as { id: string };
  }

  async function endsRevoked(live: HeldProgram): Promise<void> {
    expect(await within('ssh ends', live.ended, IN_TIME_MS)).toBe(255);
    expect(live.errors()).toContain(
      'postern: the key, certificate or password that you signed in with is not valid any more',
    );
    await eventually('the row says so', async () => {
      return (await stage.bastion.session(live.id)).end_reason === 'access_revoked';
    });
  }

  async function fingerprintOf(file: string): Promise<string> {
    const { stdout } = await must(the('ssh-keygen'), ['-l', '-f', file]);
    return stdout.toString().split(' ')[1] ?? '';
  }

  /** A second one that is not meant goes on. */
  async function revoke(wanted: object, meant: CertifyOptions, other: CertifyOptions | null) {
    const live = await certified(meant);
    const bystander = other === null ? null : await certified(other);
    const { id } = await change('POST', 'revocations', { ...wanted });
    await endsRevoked(live);
    if (bystander !== null) {
      expect((await stage.bastion.session(bystander.id)).status).toBe('active');
      await change('DELETE', `sessions/${bystander.id}`);
      await bystander.ended;
    }
    await change('DELETE', `revocations/${id}`);
  }

  test('ends when its serial is revoked, and not for another', async () => {
    await revoke({ kind: 'serial', value: '5', authority }, { serial: 5 }, { serial: 6 });
  });

  test('ends when its key id is revoked, and not for another', async () => {
    await revoke({ kind: 'key_id', value: 'old laptop' }, { keyId: 'old laptop' }, {});
  });

  test('ends when its key is revoked', async () => {
    const value = await fingerprintOf(`${stage.stranger.identity}.pub`);
    await revoke({ kind: 'fingerprint', value }, {}, null);
  });

  test('ends when the key of its authority is revoked', async () => {
    await revoke({ kind: 'fingerprint', value: await fingerprintOf(`${ca}.pub`) }, {}, null);
  });

  test('ends when none of its principals stands for its user any more', async () => {
    const live = await certified({});
    await change('PATCH', `certificate-authorities/${authority}`, { match_user_name: false });
    await endsRevoked(live);
    await change('PATCH', `certificate-authorities/${authority}`, { match_user_name: true });
  });

  test('ends when its authority is removed', async () => {
    const live = await certified({});
    await change('DELETE', `certificate-authorities/${authority}`);
    await endsRevoked(live);
    authority = await trust({});
  });

  test('goes on when its certificate expires, which lets nobody in any more', async () => {
    const valid = 'always:+3s';
    const more = await withCertificate(stage.stranger, ca, { principals: 'alice', valid });
    const live = await holdProgram(stage.bastion, stage.stranger, 'alice+web1', more);
    await eventually('nobody is let in with it', async () => {
      const done = await stage.stranger.ssh('alice+web1', 'true', { more });
      return done.status === 255;
    });
    // Two looks at what the sessions rest on.
    await delay(2500);
    expect((await stage.bastion.session(live.id)).status).toBe('active');
    await change('DELETE', `sessions/${live.id}`);
    expect(await live.ended).toBe(255);
  });

  test('ends as one of a plain key does when that key is revoked', async () => {
    const live = await holdProgram(stage.bastion, stage.alice, 'alice+web1');
    const value = await fingerprintOf(`${stage.alice.identity}.pub`);
    const { id } = await change('POST', 'revocations', { kind: 'fingerprint', value });
    await endsRevoked(live);
    await change('DELETE', `revocations/${id}`);
  });
});
