import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { CertificateProof, RevocationKind } from '../../src/domain/certificate.ts';
import { onBothDatabases, testStore } from '../support/database.ts';
import { grant, key, machine, user } from './examples.ts';

onBothDatabases('what access rests on', (kind) => {
  test('is read for many at once, and as the stores have it', async () => {
    await using opened = await testStore(kind);
    const { users, groups, machines, grants, standing } = opened.store;
    const ada = await users.create(
      user({ name: 'ada', email: 'ada@example.org', passwordHash: 'scrypt$one' }),
    );
    const bob = await users.create(user({ name: 'bob', passwordHash: null }));
    await users.update(bob.id, { disabled: true, totp: 'required' });
    const adaKey = await users.addKey(ada.id, key('ada'));
    const group = await groups.create('ops', [ada.id]);
    const web = await machines.create(machine({ name: 'web', tags: { env: 'prod' } }));
    await machines.connected(web.id, new Date('2026-01-02T03:04:05.678Z'));
    const on = { machineId: web.id };
    const mine = await grants.create(
      grant({ to: { userId: ada.id }, on, until: new Date('2030-01-01T00:00:00.001Z') }),
    );
    const ours = await grants.create(grant({ to: { groupId: group.id }, on }));
    const other = await grants.create(grant({ to: { userId: bob.id }, on }));
    const found = await standing.of([ada.id, bob.id, 4711], [web.id, 4711], []);
    const stamp = createHash('sha256').update('scrypt$one').digest('hex');
    expect([...found.accounts].sort((a, b) => a.userId - b.userId)).toEqual([
      {
        userId: ada.id,
        email: 'ada@example.org',
        disabled: false,
        groups: [group.id],
        keyIds: [adaKey.id],
        passwordStamp: stamp,
        totp: 'optional',
        enrolled: null,
      },
      {
        userId: bob.id,
        email: null,
        disabled: true,
        groups: [],
        keyIds: [],
        passwordStamp: null,
        totp: 'required',
        enrolled: null,
      },
    ]);
    expect(found.grants).toEqual([mine, ours, other]);
    expect(found.machines).toEqual([await machines.get(web.id)]);
    expect(JSON.stringify(found)).not.toContain('scrypt$one');
    const alone = await standing.of([ada.id], [], []);
    expect(alone.grants).toEqual([mine, ours]);
    expect(alone.machines).toEqual([]);
    expect(await standing.of([], [], [])).toEqual({
      ...{ accounts: [], grants: [], machines: [], authorities: [], revoked: [] },
    });
  });

  test('leaves revoked keys out, and says which certificates are revoked', async () => {
    await using opened = await testStore(kind);
    const { users, authorities, revocations, standing } = opened.store;
    const ada = await users.create(user({ name: 'ada' }));
    const [good, bad] = [
      await users.addKey(ada.id, key('a')),
      await users.addKey(ada.id, key('b')),
    ];
    const revoke = (of: RevocationKind, value: string, authority: string | null) =>
      revocations.create({ kind: of, value, authority, reason: '' });
    await revoke('fingerprint', bad.fingerprint, null);
    expect((await standing.of([ada.id], [], [])).accounts).toMatchObject([{ keyIds: [good.id] }]);

    const ca = await authorities.create({
      ...{ name: 'staff', algorithm: 'ssh-ed25519', blob: 'CA', fingerprint: 'SHA256:ca' },
      ...{ matchUserName: true, principals: {} },
    });
    const of = (change: object): CertificateProof => ({
      ...{ serial: '1', keyId: 'ada', principals: ['ada'], keyFingerprint: 'SHA256:key' },
      authority: { blob: 'CA', fingerprint: 'SHA256:ca' },
      ...change,
    });
    const asked = {
      fine: of({}),
      fineToo: of({ authority: { blob: 'CB', fingerprint: 'SHA256:cb' }, serial: '7' }),
      serial: of({ serial: '7' }),
      keyId: of({ keyId: 'old \0 laptop' }),
      key: of({ keyFingerprint: bad.fingerprint }),
      authority: of({ authority: { blob: 'CC', fingerprint: 'SHA256:cc' } }),
    };
    await revoke('serial', '7', ca.fingerprint);
    await revoke('key_id', 'old \0 laptop', null);
    await revoke('fingerprint', 'SHA256:cc', null);
    const found = await standing.of([], [], Object.values(asked));
    expect(found.authorities).toEqual([ca]);
    const { serial, keyId, key: theKey, authority } = asked;
    expect(found.revoked).toEqual([serial, keyId, theKey, authority]);
    for (const one of found.revoked) expect(Object.values(asked)).toContain(one);
  });
});
