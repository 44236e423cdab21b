import { userInfo } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientAlgorithms } from '../../src/ssh/algorithms.ts';
import type { CertificatePair } from '../../src/ssh/certificate-auth.ts';
import { KeyCertificateAuthority } from '../../src/ssh/certificate-signing.ts';
import { connectClient } from '../../src/ssh/client.ts';
import { generateHostKey } from '../../src/ssh/host-key.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';

const ALGORITHMS = clientAlgorithms({ ciphers: ['aes128-gcm@openssh.com'], failed: [] });
const login = userInfo().username;
const pem = generateHostKey().privatePem;
const authority = new KeyCertificateAuthority(pem);
const request = { keyId: 'postern:ada:sess_12', login, permits: [] };

needs('sshd').describe('a machine that trusts the authority', () => {
  let sshd: TestSshd;
  beforeAll(async () => {
    sshd = await startSshd({ trustedUserCas: [authority.publicLine], authorized: false });
  });
  afterAll(async () => {
    await sshd?.[Symbol.asyncDispose]();
  });

  const logIn = (pair: CertificatePair) =>
    connectClient({
      host: sshd.host,
      port: sshd.port,
      username: login,
      auth: { type: 'certificate', ...pair },
      verifyHostKey: () => Promise.resolve(true),
      algorithms: ALGORITHMS,
      readyTimeoutMs: 10_000,
      keepaliveMs: 0,
    });

  test('lets a certificate in, and writes its key id down', async () => {
    const client = await logIn(authority.issue(request));
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.end();
    await closed;
    await eventually('the log has it', () => /ID postern:ada:sess_12 /.test(sshd.log()));
    const accepted = sshd
      .log()
      .split('\n')
      .find((line) => line.startsWith(`Accepted publickey for ${login} `));
    expect(accepted).toContain(` CA ED25519 `);
    expect(accepted).toContain(authority.fingerprint.slice(-10));
  });

  test.each([
    ['of another account', () => authority.issue({ ...request, login: 'somebody-else' })],
    [
      'that has expired',
      () => new KeyCertificateAuthority(pem, () => new Date(Date.now() - 301_000)).issue(request),
    ],
    [
      'that is not valid yet',
      () => new KeyCertificateAuthority(pem, () => new Date(Date.now() + 120_000)).issue(request),
    ],
    [
      'of another authority',
      () => new KeyCertificateAuthority(generateHostKey().privatePem).issue(request),
    ],
  ])('refuses one %s', async (_what, issue) => {
    await expect(logIn(issue())).rejects.toMatchObject({ kind: 'auth' });
  });

  test('is not even dialled with what is no pair', async () => {
    const one = authority.issue(request);
    const other = authority.issue(request);
    await expect(logIn({ ...one, certificate: other.certificate })).rejects.toMatchObject({
      message: 'the certificate is of another key',
    });
    await expect(logIn({ ...one, certificate: 'ssh-ed25519 AAAA' })).rejects.toMatchObject({
      message: 'not an ed25519 certificate',
    });
    await expect(logIn({ ...one, privateKey: 'x' })).rejects.toMatchObject({
      message: 'the private key cannot be read',
    });
  });
});
