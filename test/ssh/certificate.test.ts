import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Certificate, readCertificate } from '../../src/ssh/certificate.ts';
import { wireString } from '../../src/ssh/wire.ts';
import { blobOf, type CertifyOptions, certify } from '../support/certify.ts';
import { needs, the } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { makeKey } from '../support/sshd.ts';

function good(blob: Buffer): Certificate {
  const read = readCertificate(blob);
  if ('problem' in read) throw new Error(read.problem);
  return read;
}

const problemOf = (blob: Buffer): string => {
  const read = readCertificate(blob);
  return 'problem' in read ? read.problem : 'no problem';
};

const KEYS = [
  ['ed25519', ['-t', 'ed25519']],
  ['ecdsa-256', ['-t', 'ecdsa', '-b', '256']],
  ['ecdsa-384', ['-t', 'ecdsa', '-b', '384']],
  ['ecdsa-521', ['-t', 'ecdsa', '-b', '521']],
  ['rsa', ['-t', 'rsa', '-b', '2048']],
] as const;

needs('ssh-keygen').describe('a certificate of ssh-keygen', () => {
  let files: Scratch;
  beforeAll(async () => {
    files = scratch();
    for (const [name, options] of KEYS) await makeKey(files.join(name), ...options);
  });
  afterAll(() => files[Symbol.dispose]());

  const make = async (options: CertifyOptions = {}, key = 'ed25519', ca = 'ed25519') =>
    blobOf(await certify(files.join(ca), files.join(key), options));

  test.each(KEYS.flatMap(([key]) => KEYS.map(([ca]) => [key, ca] as const)))(
    'of a key of %s by an authority of %s is read',
    async (key, ca) => {
      const { key: certified } = good(await make({ principals: 'ada' }, key, ca));
      expect(certified.blob).toEqual(blobOf(readFileSync(files.join(`${key}.pub`), 'utf8')));
    },
  );

  test('says what ssh-keygen -L says', async () => {
    const blob = await make({
      principals: 'ada,ops',
      keyId: 'ada at work',
      serial: 4711,
      valid: '20250101000000Z:20400101000000Z',
      options: ['source-address=192.0.2.0/24,::1/128', 'force-command=ls -l', 'no-pty'],
    });
    const { type, facts } = good(blob);
    const list = await must(the('ssh-keygen'), ['-L', '-f', files.join('ed25519-cert.pub')], {
      env: { TZ: 'UTC' },
    });
    const shown = list.stdout.toString();
    expect(shown).toContain(`Type: ${type} user certificate`);
    expect(shown).toContain(`Public key: ED25519-CERT ${facts.keyFingerprint}`);
    expect(shown).toContain(`Signing CA: ED25519 ${facts.authority.fingerprint}`);
    expect(shown).toContain(`Key ID: "${facts.keyId}"`);
    expect(shown).toContain(`Serial: ${facts.serial}`);
    const iso = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 19);
    expect(shown).toContain(
      `Valid: from ${iso(facts.validAfter)} to ${iso(facts.validBefore ?? 0)}`,
    );
    for (const principal of facts.principals) expect(shown).toContain(principal);
    for (const extension of facts.extensions) expect(shown).toContain(extension);
    expect(facts).toMatchObject({
      type: 'user',
      serial: '4711',
      keyId: 'ada at work',
      principals: ['ada', 'ops'],
      criticalOptions: {
        'force-command': 'ls -l',
        'source-address': '192.0.2.0/24,::1/128',
      },
    });
    expect(facts.extensions).not.toContain('permit-pty');
    expect(facts.extensions).toContain('permit-port-forwarding');
  });

  test('may hold for ever, for a host, and for nobody', async () => {
    expect(good(await make()).facts).toMatchObject({
      principals: [],
      validAfter: 0,
      validBefore: null,
    });
    expect(good(await make({ host: true })).facts.type).toBe('host');
  });

  test('keeps options that are not known', async () => {
    const { facts } = good(
      await make({ options: ['critical:who@knows=x', 'extension:what@ever=y'] }),
    );
    expect(facts.criticalOptions).toEqual({ 'who@knows': null });
    expect(facts.extensions).toContain('what@ever');
  });

  test.each(['ed25519', 'ecdsa-256', 'rsa'])(
    'of %s is refused with any of its bytes changed, cut or added',
    { timeout: 60_000 },
    async (key) => {
      const blob = await make({ principals: 'ada', options: ['force-command=x'] }, key, key);
      good(blob);
      for (let at = 0; at < blob.length; at += 1) {
        const changed = Buffer.from(blob);
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
        expect(problemOf(changed), `byte ${at}`).not.toBe('no problem');
        if (at % 16 === 0) {
          expect(problemOf(blob.subarray(0, at)), `cut at ${at}`).not.toBe('no problem');
        }
      }
      expect(problemOf(Buffer.concat([blob, Buffer.of(0)]))).toBe('has bytes after its end');
    },
  );

  test('is refused when its authority signed with SHA-1', async () => {
    const file = files.join('rsa');
    await must(the('ssh-keygen'), [
      ...['-q', '-s', file, '-t', 'ssh-rsa', '-I', 'old', '-n', 'ada', `${file}.pub`],
    ]);
    const old = blobOf(readFileSync(`${file}-cert.pub`, 'utf8'));
    expect(problemOf(old)).toBe('is not signed by its authority');
  });

  test.each([
    ['nothing', Buffer.alloc(0), 'is cut short'],
    ['a plain key', wireString('ssh-ed25519'), 'is of a type that is not known'],
    ['a name of Object', wireString('constructor'), 'is of a type that is not known'],
    ['a length of 4 GB', Buffer.alloc(64, 0xff), 'has a field that is too long'],
    ['too much', Buffer.alloc(40_000), 'is too long'],
  ])('is not %s', (_what, blob, problem) => {
    expect(problemOf(blob)).toBe(problem);
  });
});
