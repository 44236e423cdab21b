import { generateKeyPairSync, verify } from 'node:crypto';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { fingerprint, forServer, generateHostKey, loadHostKey } from '../../src/ssh/host-key.ts';

test('every key that is made can be read and signs what its public half verifies', () => {
  for (let times = 0; times < 300; times++) {
    const made = generateHostKey();
    const key = loadHostKey(made.privatePem);
    expect(key.publicLine).toBe(made.publicLine);
    expect(key.blob).toHaveLength(51);
    if (times > 20) continue;
    const parsed = forServer(key);
    const data = Buffer.from('exchange hash');
    expect(verify(null, data, parsed.getPublicPEM(), parsed.sign(data) as Buffer)).toBe(true);
  }
});

test('the fingerprint is the one of ssh-keygen', () => {
  const blob = Buffer.from(
    'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
    'base64',
  );
  // As GitHub publishes it for its ed25519 host key.
  expect(fingerprint(blob)).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
});

test('only an ed25519 private key is taken, and the error does not repeat it', () => {
  const { private: rsa, public: line } = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
  expect(() => loadHostKey(rsa)).toThrow('not an ed25519 key');
  expect(() => loadHostKey(line)).toThrow('not a private key');
  expect(() => loadHostKey('secret nonsense')).toThrow(/^(?!.*nonsense)/);
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  expect(() => loadHostKey(String(pem))).toThrow('OpenSSH format');
});
