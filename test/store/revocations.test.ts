import { expect, test } from 'vitest';
import type { RevocationKind } from '../../src/domain/certificate.ts';
import { onBothDatabases, testStore } from '../support/database.ts';

const CA = 'SHA256:ca';

onBothDatabases('what is revoked', (kind) => {
  test('covers a serial that lies in a range, of its authority or of any', async () => {
    await using opened = await testStore(kind);
    const { revocations } = opened.store;
    const covered = (serial: string, authority = CA) =>
      revocations.covers({ fingerprints: [], certificate: { serial, keyId: 'k', authority } });
    const serials = (value: string, authority: string | null) => ({
      ...{ kind: 'serial' as RevocationKind, value, authority, reason: '' },
    });
    const largest = '18446744073709551615';
    const all = [serials('5-900', CA), serials('7', CA), serials(`1000-${largest}`, null)];
    expect(await revocations.createMissing(all)).toBe(3);
    expect(await revocations.createMissing([...all, serials('2', CA)])).toBe(1);
    for (const serial of ['2', '5', '7', '900', '1000', largest]) {
      expect([serial, await covered(serial)]).toEqual([serial, true]);
    }
    for (const serial of ['0', '3', '4', '901', '999']) {
      expect([serial, await covered(serial)]).toEqual([serial, false]);
    }
    expect(await covered('7', 'SHA256:other')).toBe(false);
    expect(await covered('1000', 'SHA256:other')).toBe(true);
  });

  test('is found at once among very many', async () => {
    await using opened = await testStore(kind);
    const { revocations } = opened.store;
    const ranges = Array.from({ length: 5000 }, (_, at) => ({
      ...{ kind: 'serial' as RevocationKind, authority: CA, reason: '' },
      value: `${at * 1000}-${at * 1000 + 998}`,
    }));
    expect(await revocations.createMissing(ranges)).toBe(5000);
    const certificate = { keyId: 'k', authority: CA };
    const at = (serial: string) =>
      revocations.covers({ fingerprints: [], certificate: { ...certificate, serial } });
    expect([await at('4999998'), await at('4999999')]).toEqual([true, false]);
  });
});
