import { Secret, URI } from 'otpauth';
import { describe, expect, test } from 'vitest';
import { newTotpSecret, otpauthUri, stepOfCode } from '../../src/control/totp.ts';
import { codeOf } from '../support/codes.ts';

const SECRET = Secret.fromUTF8('12345678901234567890').base32;

describe('codes', () => {
  // RFC 6238, appendix B, SHA-1: the last six of its eight digits.
  test.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('at %i s are those of RFC 6238', (seconds, code) => {
    expect(stepOfCode(SECRET, code, new Date(seconds * 1000))).toBe(Math.floor(seconds / 30));
  });

  test('are taken one step early and late, and no more', () => {
    const at = 1_000_000_000_000;
    const now = Math.floor(at / 30_000);
    const taken = [-2, -1, 0, 1, 2].map((steps) =>
      stepOfCode(SECRET, codeOf(SECRET, steps, at), new Date(at)),
    );
    expect(taken).toEqual([null, now - 1, now, now + 1, null]);
  });

  test('are taken with the spaces that apps show', () => {
    expect(stepOfCode(SECRET, ' 287 082', new Date(59_000))).toBe(1);
  });

  test.each(['', '28708', '2870820', '28708a', '２８７０８２', '-87082', '1e5555'])(
    'as %j are none',
    (code) => {
      expect(stepOfCode(SECRET, code, new Date(59_000))).toBeNull();
    },
  );
});

describe('secrets', () => {
  test('are 160 bits, another each time', () => {
    const made = new Set(Array.from({ length: 20 }, newTotpSecret));
    expect(made.size).toBe(20);
    for (const secret of made) expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  });

  test('stand in a URI with the name escaped, as apps read it', () => {
    const uri = otpauthUri(SECRET, 'a b', 'Postern');
    expect(uri).toBe(`otpauth://totp/Postern:a%20b?secret=${SECRET}&issuer=Postern`);
    const shape = { digits: 6, period: 30, algorithm: 'SHA1' };
    expect(URI.parse(uri)).toMatchObject({ label: 'a b', issuer: 'Postern', ...shape });
  });
});
