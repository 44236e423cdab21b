import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, within } from '../support/eventually.ts';
import { holdProgram } from '../support/held-program.ts';
import { needs } from '../support/requirements.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { type FailingDisk, failingDisk, withFailingDisks } from '../support/small-disk.ts';
import { openStage, type Stage } from '../support/stage.ts';

const BROKE = 'this session must be recorded and its recording broke, so it was ended';

withFailingDisks.describe('recordings on a disk that fails', () => {
  needs('ssh', 'sshd').describe('and is read-only from then on', () => {
    let place: Scratch;
    let disk: FailingDisk;
    let stage: Stage;
    beforeAll(async () => {
      place = scratch();
      disk = failingDisk(place.join('disk'));
      stage = await openStage({
        settings: { POSTERN_RECORDINGS: `file:${disk.path}/recordings`, POSTERN_MIN_FREE: '1M' },
      });
    });
    afterAll(async () => {
      await stage?.[Symbol.asyncDispose]();
      disk?.[Symbol.dispose]();
      place?.[Symbol.dispose]();
    });

    test('the session ends with 254, its recording is cut, and others begin when it is mended', async () => {
      const { alice, bastion } = stage;
      const live = await holdProgram(bastion, alice, 'alice+web1', ['-tt'], 'cat; exec yes');
      await eventually('its recording is on disk', async () => {
        const { text } = await bastion.api(`sessions/${live.id}/recording`);
        return text.includes('ready');
      });
      disk.fail();
      live.input('\x04');
      expect(await within('ssh ends', live.ended, 30_000)).toBe(254);
      expect(live.errors()).toContain(BROKE);
      await eventually('its recording is closed', async () => {
        const { recordings, end_reason } = await bastion.session(live.id);
        return recordings?.[0]?.state === 'truncated' && end_reason === 'recording_failed';
      });
      expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 254 });
      disk.mend();
      expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
      const path = `sessions/${live.id}/recording`;
      expect((await bastion.api(path)).text).toContain('ready');
      const verified = await bastion.api(`${path}/verification`, { method: 'POST' });
      expect(verified.body?.data).toMatchObject({ verdict: 'open', first_bad: null });
    });
  });
});
