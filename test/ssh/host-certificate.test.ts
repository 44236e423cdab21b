import { createPublicKey, verify } from 'node:crypto';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { KeyHostAuthority } from '../../src/ssh/certificate-signing.ts';
import { bothForServer, loadCertifiedHostKey } from '../../src/ssh/host-certificate.ts';
import { generateHostKey, loadHostKey } from '../../src/ssh/host-key.ts';

const authority = new KeyHostAuthority(generateHostKey().privatePem);

function certified() {
  const { privatePem, publicLine } = generateHostKey();
  const line = authority.issue({ keyId: 'postern:web1', publicLine, names: ['web1'] });
  return { privatePem, line };
}

test('the key is there plain and with its certificate, and both sign alike', () => {
  const { privatePem, line } = certified();
  const identity = loadCertifiedHostKey(privatePem, line);
  const [plain, shown] = bothForServer(identity);
  expect([plain?.type, shown?.type]).toEqual(['ssh-ed25519', 'ssh-ed25519-cert-v01@openssh.com']);
  expect(plain?.getPublicSSH()).toEqual(loadHostKey(privatePem).blob);
  expect(`${shown?.type} ${shown?.getPublicSSH().toString('base64')}`).toBe(line);
  const data = Buffer.from('exchange hash');
  const signature = shown?.sign(data);
  const key = createPublicKey(plain?.getPublicPEM() ?? '');
  expect(Buffer.isBuffer(signature) && verify(null, data, key, signature)).toBe(true);
});

test('ssh2 takes both', () => {
  const { privatePem, line } = certified();
  const keys = bothForServer(loadCertifiedHostKey(privatePem, line));
  expect(() => new ssh2.Server({ hostKeys: keys.map((key) => ({ key })) })).not.toThrow();
});

test('a certificate of another key is refused, as is what is none', () => {
  const { privatePem, line } = certified();
  const other = loadHostKey(generateHostKey().privatePem).publicLine;
  for (const wrong of [certified().line, other, '', 'ssh-ed25519-cert-v01@openssh.com AAAA']) {
    expect(() => loadCertifiedHostKey(privatePem, wrong)).toThrow('not one of the host key');
  }
  expect(loadCertifiedHostKey(privatePem, line).hostKey.algorithm).toBe('ssh-ed25519');
});
