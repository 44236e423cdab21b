import { verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { CERTIFICATE_PERMITS } from '../../src/domain/certificate-authority.ts';
import {
  HOST_VALID_AROUND_NOW,
  KeyCertificateAuthority,
  KeyHostAuthority,
  VALID_AFTER_NOW,
  VALID_BEFORE_NOW,
} from '../../src/ssh/certificate-signing.ts';
import { forServer, generateHostKey, loadHostKey } from '../../src/ssh/host-key.ts';
import { WireReader } from '../../src/ssh/wire.ts';
import { linesAfter, shownCertificate } from '../support/certificate-authority.ts';
import { needs } from '../support/requirements.ts';

const NOON = new Date('2026-03-01T12:00:00Z');
const pem = generateHostKey().privatePem;
const authority = new KeyCertificateAuthority(pem, () => NOON);
const hosts = new KeyHostAuthority(pem, () => NOON);
const REQUEST = { keyId: 'postern:ada:sess_12', login: 'deploy', permits: [] };

needs('ssh-keygen').describe('a certificate, as ssh-keygen reads it', () => {
  test('is a user certificate with all that it was asked for', async () => {
    const { certificate } = authority.issue({
      ...REQUEST,
      permits: CERTIFICATE_PERMITS.toReversed(),
    });
    const shown = await shownCertificate(certificate);
    expect(shown).toContain('Type: ssh-ed25519-cert-v01@openssh.com user certificate');
    expect(shown).toContain('Key ID: "postern:ada:sess_12"');
    expect(shown).toContain(`Signing CA: ED25519 ${authority.fingerprint}`);
    expect(linesAfter(shown, 'Principals:')).toEqual(['deploy']);
    expect(linesAfter(shown, 'Critical Options:')).toEqual([]);
    expect(linesAfter(shown, 'Extensions:')).toEqual([...CERTIFICATE_PERMITS]);
  });

  test('is a host certificate for the names that it was asked for', async () => {
    const { publicLine, fingerprint } = loadHostKey(generateHostKey().privatePem);
    const names = ['web1', 'fd00::5'];
    const shown = await shownCertificate(hosts.issue({ keyId: 'postern:web1', publicLine, names }));
    expect(shown).toContain('Type: ssh-ed25519-cert-v01@openssh.com host certificate');
    expect(shown).toContain(`Public key: ED25519-CERT ${fingerprint}`);
    expect(shown).toContain(`Signing CA: ED25519 ${hosts.fingerprint}`);
    expect(shown).toContain('Principals: \nweb1\nfd00::5\n');
    const [from, until] = [-1, 1].map(
      (sign) => new Date(+NOON + sign * HOST_VALID_AROUND_NOW * 1e3),
    );
    const inUtc = (date?: Date): string => date?.toISOString().slice(0, 19) ?? '';
    expect(shown).toContain(`Valid: from ${inUtc(from)} to ${inUtc(until)}`);
    expect(linesAfter(shown, 'Critical Options:')).toEqual([]);
    expect(linesAfter(shown, 'Extensions:')).toEqual([]);
  });

  test('without permits has none', async () => {
    const shown = await shownCertificate(authority.issue(REQUEST).certificate);
    expect(linesAfter(shown, 'Extensions:')).toEqual([]);
  });
});

test('it is valid for minutes, is signed by the authority, and its key is its own', () => {
  const issued = authority.issue(REQUEST);
  const blob = Buffer.from(issued.certificate.split(' ')[1] ?? '', 'base64');
  const reader = new WireReader(blob, 0);
  for (let strings = 0; strings < 2; strings += 1) reader.string();
  expect(reader.string()).toEqual(loadHostKey(issued.privateKey).blob.subarray(-32));
  for (let words = 0; words < 3; words += 1) reader.uint32();
  for (let strings = 0; strings < 2; strings += 1) reader.string();
  const [, from, , to] = [1, 2, 3, 4].map(() => reader.uint32());
  const now = NOON.getTime() / 1000;
  expect([from, to]).toEqual([now - VALID_BEFORE_NOW, now + VALID_AFTER_NOW]);
  const signed = blob.length - reader.rest().length;
  expect(signed).toBeGreaterThan(0);
  for (let strings = 0; strings < 4; strings += 1) reader.string();
  const unsigned = blob.subarray(0, blob.length - reader.rest().length);
  const signature = new WireReader(reader.string() ?? Buffer.alloc(0), 0);
  expect(signature.text()).toBe('ssh-ed25519');
  const publicKey = forServer(loadHostKey(pem)).getPublicPEM();
  expect(verify(null, unsigned, publicKey, signature.string() ?? Buffer.alloc(0))).toBe(true);
  expect(reader.rest()).toHaveLength(0);
});

test('no two are the same, nor are their keys', () => {
  const all = Array.from({ length: 10 }, () => authority.issue(REQUEST));
  expect(new Set(all.map(({ certificate }) => certificate)).size).toBe(10);
  expect(new Set(all.map(({ privateKey }) => privateKey)).size).toBe(10);
});

test.each([
  ['no login, which would be every login', { login: '' }],
  ['no key id', { keyId: '' }],
  ['a key id with a line break', { keyId: 'a\nb' }],
  ['a key id beyond bounds', { keyId: 'x'.repeat(256) }],
])('with %s it is not issued', (_what, change) => {
  expect(() => authority.issue({ ...REQUEST, ...change })).toThrow(RangeError);
});

test.each([
  ['no name, which would be every host', { names: [] }],
  ['an empty name', { names: ['web1', ''] }],
  ['a key of another type', { publicLine: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==' }],
  ['a key that is cut short', { publicLine: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==' }],
])('a host certificate with %s is not issued', (_what, change) => {
  const { publicLine } = hosts;
  const request = { keyId: 'postern:web1', publicLine, names: ['web1'], ...change };
  expect(() => hosts.issue(request)).toThrow(RangeError);
});
