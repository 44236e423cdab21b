import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wireString } from '../../src/ssh/wire.ts';
import { type CertifyOptions, withCertificate } from '../support/certify.ts';
import { within } from '../support/eventually.ts';
import { holdProgram } from '../support/held-program.ts';
import { needs, the } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { makeKey } from '../support/sshd.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd', 'ssh-keygen').describe('postern revocation import', () => {
  let stage: Stage;
  let ca: string;
  beforeAll(async () => {
    stage = await openStage();
    ca = stage.stranger.path('ca');
    await makeKey(ca);
    await stage.bastion.cli('ca', 'add', 'staff', `${ca}.pub`);
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const certified = (options: CertifyOptions) =>
    withCertificate(stage.stranger, ca, { principals: 'alice', ...options });

  async function list(...lines: string[]): Promise<string> {
    const [file, from] = [stage.stranger.path('list.krl'), stage.stranger.path('from')];
    writeFileSync(from, `${lines.join('\n')}\n`);
    await must(the('ssh-keygen'), ['-q', '-k', '-f', file, '-s', `${ca}.pub`, from]);
    return file;
  }

  test('revokes what a list names, ends what rests on it, and may be repeated', async () => {
    const meant = await certified({ serial: 4_000_000 });
    const live = await holdProgram(stage.bastion, stage.stranger, 'alice+web1', meant);
    const file = await list('serial: 1000-9000000', 'serial: 12', 'id: old laptop');
    const done = await stage.bastion.cli('revocation', 'import', file, '--reason', 'stolen');
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(done.stdout.toString()).toContain('imported 3, of which 3 are new');
    expect(await within('ssh ends', live.ended, 2000)).toBe(255);
    const attempt = async (options: CertifyOptions) => {
      const more = await certified(options);
      return (await stage.stranger.ssh('alice+web1', 'exit 3', { more })).status;
    };
    for (const serial of [12, 1000, 9_000_000]) expect(await attempt({ serial })).toBe(255);
    for (const serial of [11, 13, 999, 9_000_001]) expect(await attempt({ serial })).toBe(3);
    expect(await attempt({ serial: 13, keyId: 'old laptop' })).toBe(255);
    const again = await stage.bastion.cli('revocation', 'import', file);
    expect(again.stdout.toString()).toContain('imported 3, of which 0 are new');
    const listed = await stage.bastion.cli('revocation', 'ls');
    expect(listed.stdout.toString()).toMatch(/1000-9000000.*stolen/);
    await stage.bastion.audited('revocation.imported');
  });

  test('takes key ids of any form: none, with control characters, or that no certificate can have', async () => {
    const file = stage.stranger.path('odd.krl');
    const ids = ['', 'two\nlines\t\u001b[1m', 'plain'].map((id) => Buffer.from(id));
    const latin1 = Buffer.from('caf\xe9', 'latin1');
    const keyIds = [...ids, latin1, Buffer.alloc(2000, 'x')].map(wireString);
    const part = [Buffer.from([0x23]), wireString(Buffer.concat(keyIds))];
    const section = Buffer.concat([wireString(''), wireString(''), ...part]);
    const magic = Buffer.from('SSHKRL\n\0\0\0\0\x01', 'latin1');
    const empty = [wireString(''), wireString('')];
    const header = Buffer.concat([magic, Buffer.alloc(24), ...empty]);
    writeFileSync(file, Buffer.concat([header, Buffer.from([1]), wireString(section)]));
    const done = await stage.bastion.cli('revocation', 'import', file);
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(done.stdout.toString()).toContain('imported 3, of which 3 are new');
    for (const keyId of ['', 'two\nlines\t\u001b[1m', 'plain']) {
      const more = await certified({ keyId });
      expect((await stage.stranger.ssh('alice+web1', 'exit 3', { more })).status).toBe(255);
    }
    const more = await certified({ keyId: 'plain too' });
    expect((await stage.stranger.ssh('alice+web1', 'exit 3', { more })).status).toBe(3);
    const listed = await stage.bastion.cli('revocation', 'ls');
    expect(listed.stdout.toString()).not.toContain('\u001b');
  });

  test('changes nothing for a file that is none, or has what is not read', async () => {
    const cli = (...args: string[]) => stage.bastion.cli('revocation', ...args);
    const before = (await cli('ls', '--json')).stdout.toString();
    const none = await cli('import', `${ca}.pub`);
    expect(none).toMatchObject({ status: 1, stderr: expect.stringContaining('is no key revoc') });
    const sha1 = await cli('import', await list('id: another', `sha1: ${stage.alice.publicKey}`));
    expect(sha1).toMatchObject({ status: 1, stderr: expect.stringContaining('SHA-1') });
    const wrong = [
      { kind: 'serial', value: '9-5' },
      { kind: 'serial', value: '18446744073709551616' },
      { kind: 'fingerprint', value: 'SHA1:abc' },
      { kind: 'key_id', value: 'x', authority: 'ca_1' },
    ];
    for (const entry of wrong) {
      const body = { entries: [{ kind: 'key_id', value: 'fine' }, entry] };
      const answer = await stage.bastion.api('revocations/import', { method: 'POST', body });
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'BAD_REQUEST' } } });
    }
    expect((await cli('ls', '--json')).stdout.toString()).toBe(before);
  });
});
