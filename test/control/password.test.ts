import { describe, expect, test } from 'vitest';
import { ScryptPasswords } from '../../src/control/password.ts';
import { PosternError } from '../../src/domain/errors.ts';

describe('ScryptPasswords', () => {
  const passwords = new ScryptPasswords();

  test('a hash fits its password alone, and says how it was made', async () => {
    const hash = await passwords.hash('correct horse');
    expect(hash).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await passwords.verify('correct horse', hash)).toBe(true);
    expect(await passwords.verify('correct horsf', hash)).toBe(false);
    expect(await passwords.verify('', hash)).toBe(false);
  });

  test('the same password has another hash each time', async () => {
    expect(await passwords.hash('same')).not.toBe(await passwords.hash('same'));
  });

  test.each([
    // RFC 7914 §12: true for "password", with more parallel work than is allowed here.
    '$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWI',
    '$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '$2b$10$abcdefghijklmnopqrstuv',
    '',
  ])('%j fits no password', async (hash) => {
    expect(await passwords.verify('password', hash)).toBe(false);
  });

  test('letters typed on different systems are the same password', async () => {
    const hash = await passwords.hash('caf\u00e9');
    expect(await passwords.verify('cafe\u0301', hash)).toBe(true);
  });

  test('nobody takes as long as somebody', async () => {
    const hash = await passwords.hash('long enough');
    const spent = async (against: string | null): Promise<number> => {
      const from = performance.now();
      await passwords.verify('wrong', against);
      return performance.now() - from;
    };
    const somebody = await spent(hash);
    // Without work it would be a thousandth; the machine may be busy, so only the order counts.
    expect(await spent(null)).toBeGreaterThan(somebody / 5);
    expect(await spent('not a hash')).toBeGreaterThan(somebody / 5);
  });

  test('a password of more than 1024 bytes is never right', async () => {
    const hash = await passwords.hash('x'.repeat(1025));
    expect(await passwords.verify('x'.repeat(1025), hash)).toBe(false);
  });

  test('a flood is refused before it takes all threads, and the rest is served', async () => {
    const flooded = new ScryptPasswords();
    const asked = Array.from({ length: 110 }, () => flooded.verify('x', null));
    const late = asked.slice(102);
    const outcomes = await Promise.allSettled(late);
    for (const outcome of outcomes) {
      expect(outcome.status).toBe('rejected');
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(PosternError);
    }
    // Refused at once: none of those that wait has been served in between.
    const served = await Promise.all(asked.slice(0, 4));
    expect(served).toEqual([false, false, false, false]);
    await Promise.all(asked.slice(0, 102));
    expect(await flooded.verify('x', await flooded.hash('x'))).toBe(true);
  }, 60_000);
});
