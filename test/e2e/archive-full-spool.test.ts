import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type ObjectStore, startObjectStore } from '../support/object-store.ts';
import { needs } from '../support/requirements.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { type SmallDisk, smallDisk, withSmallDisks } from '../support/small-disk.ts';
import { openStage, type Stage } from '../support/stage.ts';

/** Milliseconds: a store that was away is left alone for a while. */
const BACK = 90_000;

withSmallDisks.describe('a spool on a disk of its own', () => {
  needs('ssh', 'sshd', 'swift').describe('that fills up while the store is away', () => {
    let place: Scratch;
    let disk: SmallDisk;
    let objects: ObjectStore;
    let stage: Stage;
    beforeAll(async () => {
      place = scratch();
      objects = await startObjectStore();
      const dataDir = place.join('data');
      mkdirSync(dataDir, { mode: 0o700 });
      disk = smallDisk(place.join('data', 'recordings'), '24m');
      const settings = { POSTERN_DATA_DIR: dataDir, POSTERN_MIN_FREE: '8M' };
      stage = await openStage({ settings: { ...objects.settings('of/this'), ...settings } });
    }, 120_000);
    afterAll(async () => {
      await stage?.[Symbol.asyncDispose]();
      await objects?.[Symbol.asyncDispose]();
      disk?.[Symbol.dispose]();
      place?.[Symbol.dispose]();
    });

    async function readiness(what: string): Promise<void> {
      const says = async (): Promise<boolean> =>
        (await stage.bastion.api('/readyz', { token: null })).text.includes(what);
      await eventually(`it says ${what}`, says, BACK);
    }

    /** Sees to it that sessions on a machine end so, as the gateway has looked too. */
    async function ends(machine: string, status: number): Promise<void> {
      const does = async (): Promise<boolean> =>
        (await stage.alice.ssh(`alice+${machine}`, 'exit 3')).status === status;
      await eventually(`a session on ${machine} ends with ${status}`, does, BACK);
    }

    test('the policy of each machine decides, until recordings can leave', async () => {
      const { alice, bastion, sshd } = stage;
      const key = JSON.stringify(sshd.keyFile);
      await bastion.apply(`
machines:
  - { name: soft1, kind: ssh, host: ${sshd.host}, port: ${sshd.port}, login: ${sshd.login}, auth: { key: { file: ${key} } }, recording: best_effort }
grants:
  - { to: { user: alice }, on: { machine: soft1 }, allow: [exec] }
`);
      await objects.stop();
      // Each so short that nothing is made of it beside it.
      const long = 'head -c 2200000 /dev/urandom | base64; exit 3';
      for (let count = 0; count < 6; count += 1) {
        const done = await alice.ssh('alice+web1', long, { more: ['-tt'] });
        expect(done.status).toBe(3);
      }
      await readiness('"archive":"away"');
      await readiness('"recordings":"low"');
      await ends('web1', 254);
      await ends('soft1', 3);
      await objects.start();
      await readiness('"recordings":"up"');
      await ends('web1', 3);
      await readiness('"archive":"up"');
    }, 240_000);
  });
});
