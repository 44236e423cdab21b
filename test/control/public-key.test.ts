import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parsePublicKey } from '../../src/control/public-key.ts';

/** Made once with ssh-keygen; the fingerprints are what `ssh-keygen -l` printed for them. */
const KEYS = [
  {
    algorithm: 'ssh-ed25519',
    line: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA5pP4CQFqjLYNr8FFuQjsdWOCM8bOETBSVW+IxOPj8+ alice@laptop',
    fingerprint: 'SHA256:cgBdvsfV9a5mxeiO3ONQb9Xf0RuWxZHHx0Gy3FN/jB8',
  },
  {
    algorithm: 'ecdsa-sha2-nistp256',
    line: 'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD/FpUKIVWvqy0zbU9AvEoM0BMAMtR256ySgqGbKDHaeD9GPOl/T4Q3Zy5DqFl1zROqPq4iH4Hrm90nVivytcUQ= alice@laptop',
    fingerprint: 'SHA256:L+JgR2oF5suMHVeCQsBbooxRkUCnpdzv31zpC4HzKXg',
  },
  {
    algorithm: 'ecdsa-sha2-nistp384',
    line: 'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBJy0C/PpkyO3zWKpPr28ClxQN3JqRupxlM/Fsz6qgv47y2yMo044WTuAeoheTqT3rFR8QlaGZVtLZDNi2AkS1c1NJOzFCI+P/u2WJRFy45Pbf+oJySZMfbbIpknpVX/R9g== alice@laptop',
    fingerprint: 'SHA256:sw8QAPE3ZPF5xzgWS8uh4TsepTS58BGVmmmVDhIu7HA',
  },
  {
    algorithm: 'ecdsa-sha2-nistp521',
    line: 'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBABqubPr7urtvJuz3irs6cIXKp1IuWu1mpgsRCrrt8kB0uL3kiXhd+iBMRPsOzaPd8mM0/6PilxZEZE45HggX1kkJAD7F76a1+ubBgxLtds/wpcJPhWPa3liwlqOVnAAjRuJdS0WuTOG4bD9m24afa8/P8aUZViysbSPsAuQ/X1NXovfiA== alice@laptop',
    fingerprint: 'SHA256:mSu4sXwfhwDMHj53oRhXP2XSo0Dau745Bh1kwYww/s8',
  },
  {
    algorithm: 'ssh-rsa',
    line: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCt4saz2SkKzRIsJqZy64u2jaXrS4bPptFDfRH4vlqmnZksBbcPi464EerMgVOxvwEnKZXat1Lwx3iSmZR6rBWTXYKUiQ+IgMK7dX4WYRxYOLFzBI5St3vpIIi2IJs7vSM8pRs/xJ0F3bWvTveZE7bVyRoEODf4N25z3FmmlJ6TZYn36MrRoLIlwVhCMp9fBX+JruxoZ08E2qq/b844UXQ+8vNKboGvQyqahwcVlH4ISr2aeWx5IJUZ+YphxL4UecBvLLqW2PfZv7FilOadTILRjMFNR5q+oReCd+hDGP72LxRPp3c+rQhfXYJmhJOQGfUKbBcpPkVBz9fpJQCgZOQn alice@laptop',
    fingerprint: 'SHA256:R8tji6/QJYvX8Skg/7rjNDOuUKlbooHRzbDolRz+Pho',
  },
];

function string(bytes: Uint8Array | string): Buffer {
  const body = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function line(type: string, ...parts: (Uint8Array | string)[]): string {
  const blob = Buffer.concat([string(type), ...parts.map((part) => string(part))]);
  return `${type} ${blob.toString('base64')}`;
}

function rsaLine(bits: number): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const mpint = (text: string): Buffer => {
    const bytes = Buffer.from(text, 'base64url');
    return (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  };
  return line('ssh-rsa', mpint(e), mpint(n));
}

function problemOf(text: string): string {
  const read = parsePublicKey(text);
  return 'problem' in read ? read.problem : 'no problem';
}

const ED25519 = KEYS[0]?.line ?? '';
const BLOB = ED25519.split(' ')[1] ?? '';

describe('a public key', () => {
  test.each(KEYS)('of type $algorithm is read with the fingerprint of ssh-keygen', (key) => {
    expect(parsePublicKey(`  ${key.line}\n`)).toEqual({
      algorithm: key.algorithm,
      blob: key.line.split(' ')[1],
      fingerprint: key.fingerprint,
      comment: 'alice@laptop',
    });
  });

  test('has a comment of several words, or none', () => {
    expect(parsePublicKey(`ssh-ed25519 ${BLOB} my  own key`)).toMatchObject({
      comment: 'my own key',
    });
    expect(parsePublicKey(`ssh-ed25519 ${BLOB}`)).toMatchObject({ comment: '' });
  });

  test('of RSA needs 2048 bits', () => {
    expect(problemOf(rsaLine(1024))).toContain('RSA key of 1024 bits');
    expect(problemOf(rsaLine(2048))).toBe('no problem');
  });

  test.each([
    ['nothing', '', 'is empty'],
    ['words', 'hello world', 'is not a public key'],
    ['options', `no-pty,command="ls -l" ssh-ed25519 ${BLOB}`, 'options before the key'],
    ['one option', `restrict ssh-ed25519 ${BLOB}`, 'options before the key'],
    ['two lines', `${ED25519}\n${ED25519}`, 'more than one line'],
    ['DSA', 'ssh-dss AAAAB3NzaC1kc3MAAACBAP', 'DSA'],
    ['a certificate', 'ssh-ed25519-cert-v01@openssh.com AAAA', 'is a certificate'],
    ['a cut token key', line('sk-ssh-ed25519@openssh.com', Buffer.alloc(32, 1)), 'cut short'],
    [
      'a token key with more',
      line('sk-ssh-ed25519@openssh.com', Buffer.alloc(32, 1), 'ssh:', 'x'),
      'damaged',
    ],
    ['a type of the future', 'ssh-mldsa-65 AAAA', 'is of type ssh-mldsa-65'],
    ['no blob', 'ssh-ed25519', 'no base64'],
    ['a blob that is no base64', 'ssh-ed25519 AAAA*BBB', 'no base64'],
    ['a cut blob', `ssh-ed25519 ${BLOB.slice(0, 60)}`, 'cut short'],
    ['trailing bytes', `ssh-ed25519 ${BLOB}AAAA`, 'damaged'],
    ['another type inside', `ssh-rsa ${BLOB}`, 'says ssh-rsa, but holds a key of type ssh-ed25519'],
    ['a short point', line('ssh-ed25519', Buffer.alloc(31, 1)), 'damaged'],
    [
      'a point off the curve',
      line('ecdsa-sha2-nistp256', 'nistp256', Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])),
      'damaged',
    ],
    [
      'another curve inside',
      line('ecdsa-sha2-nistp256', 'nistp384', Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])),
      'damaged',
    ],
    ['a negative modulus', line('ssh-rsa', Buffer.of(3), Buffer.alloc(256, 0x80)), 'damaged'],
    ['an even exponent', line('ssh-rsa', Buffer.of(4), Buffer.alloc(256, 0x70)), 'damaged'],
    ['a length of 4 GB', `ssh-ed25519 ${Buffer.alloc(20, 0xff).toString('base64')}`, 'cut short'],
    ['too much', `ssh-ed25519 ${'A'.repeat(9000)}`, 'more than 8192 characters'],
  ])('of %s is refused by name', (_, text, reason) => {
    expect(problemOf(text)).toContain(reason);
  });

  test.each([
    '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----',
    '-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----',
    'PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAASECRET',
  ])('that is a private one is named as such and never repeated', (text) => {
    expect(problemOf(text)).toContain('is a private key');
    for (const word of text.split(/\s+/).filter((each) => each.length > 12)) {
      expect(problemOf(text)).not.toContain(word);
    }
  });

  test('has no control characters in its comment', () => {
    const read = parsePublicKey(`${ED25519} \u001b[2Jx`);
    expect(read).toMatchObject({ comment: 'alice@laptop \\x1b[2Jx' });
  });
});
