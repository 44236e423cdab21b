import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newAgeKeys } from '../support/age-keys.ts';
import { eventually } from '../support/eventually.ts';
import { startObjectStore } from '../support/object-store.ts';
import { needs } from '../support/requirements.ts';
import { scratch } from '../support/scratch.ts';
import { openStage } from '../support/stage.ts';

/** Milliseconds; the machine may be busy. */
const LONG = 60_000;

needs('ssh', 'sshd', 'swift').describe('encrypted recordings in an S3-compatible store', () => {
  test('lie there as they lay here, and are decrypted by who may', async () => {
    await using objects = await startObjectStore();
    using files = scratch();
    const keys = await newAgeKeys();
    const recipients = { POSTERN_RECORDING_RECIPIENTS: keys.recipient };
    await using stage = await openStage({
      settings: { ...objects.settings('of/this'), ...recipients },
    });
    const { alice, bastion } = stage;
    await alice.ssh('alice+web1', 'printf "sword%s\\n" fish');
    const { id, started_at } = await bastion.lastEnded();
    const key = `${started_at.slice(0, 10).replaceAll('-', '/')}/${id}-1.cast`;
    const isThere = async () => (await objects.objects(`of/this/${key}`)).length === 1;
    await eventually('it is in the store', isThere, LONG);
    const object = await objects.get(`of/this/${key}`);
    expect(object.toString('latin1')).not.toContain('swordfish');
    rmSync(join(bastion.dataDir, 'recordings', key), { force: true });
    const file = files.join('exported');
    const comesBack = async () =>
      (await bastion.cli('recording', 'export', id, '-o', file)).status === 0;
    await eventually('it is fetched', comesBack, LONG);
    const identity = files.join('identity');
    writeFileSync(identity, `${keys.identity}\n`, { mode: 0o600 });
    const opened = await bastion.cli('recording', 'decrypt', file, '--identity', identity);
    expect(opened.stdout.toString()).toContain('swordfish');
  }, 180_000);
});
