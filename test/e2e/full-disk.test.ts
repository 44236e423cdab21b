import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { holdProgram } from '../support/held-program.ts';
import { needs } from '../support/requirements.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { type SmallDisk, smallDisk, withSmallDisks } from '../support/small-disk.ts';
import { openStage, type Stage } from '../support/stage.ts';

const MB = 2 ** 20;
const NO_ROOM =
  'postern: this session must be recorded and there is too little room left for it, so it was not started\n';
const BROKE = 'this session must be recorded and its recording broke, so it was ended';

withSmallDisks.describe('recordings on a disk of their own', () => {
  needs('ssh', 'sshd').describe('that fills up or fails', () => {
    let place: Scratch;
    let disk: SmallDisk;
    let stage: Stage;
    beforeAll(async () => {
      place = scratch();
      disk = smallDisk(place.join('disk'), '24m');
      stage = await openStage({
        settings: { POSTERN_RECORDINGS: `file:${disk.path}/recordings`, POSTERN_MIN_FREE: '8M' },
      });
    });
    afterAll(async () => {
      await stage?.[Symbol.asyncDispose]();
      disk?.[Symbol.dispose]();
      place?.[Symbol.dispose]();
    });

    async function room(state: 'up' | 'low'): Promise<void> {
      await eventually(`room is ${state}`, async () => {
        const { text } = await stage.bastion.api('/readyz', { token: null });
        return text.includes(`"recordings":"${state}"`);
      });
    }

    /** Sees to it that sessions are refused, or begin, as the gateway has looked too. */
    async function begins(status: number, stderr: string): Promise<void> {
      await eventually(`a session ends with ${status}`, async () => {
        const done = await stage.alice.ssh('alice+web1', 'exit 3');
        return done.status === status && done.stderr === stderr;
      });
    }

    test('new sessions that must be recorded are refused before it is full; the others go on', async () => {
      const { alice, bastion } = stage;
      const live = await holdProgram(bastion, alice, 'alice+web1');
      const giveBack = disk.take(18 * MB);
      await room('low');
      await begins(254, NO_ROOM);
      expect(await bastion.lastEnded()).toMatchObject({
        status: 'failed',
        end_reason: 'recording_failed',
      });
      expect(await alice.ssh('alice+exec1', 'exit 3')).toMatchObject({ status: 3 });
      const { body } = await bastion.api('audit?type=recording.failed&limit=1');
      expect(body?.data).toMatchObject({
        events: [{ detail: { policy: 'required', started: false, no_room: true } }],
      });
      giveBack();
      await room('up');
      await begins(3, '');
      await bastion.api(`sessions/${live.id}`, { method: 'DELETE' });
      expect(await live.ended).toBe(255);
      const session = await bastion.session(live.id);
      expect(session.recordings).toMatchObject([{ state: 'complete' }]);
      const short = bastion.log.split('\n').filter((line) => line.includes('room for recordings'));
      expect(short).toHaveLength(2);
    });

    test('one that fills up ends the session, and what was sealed still verifies', async () => {
      const { alice, bastion } = stage;
      const done = await alice.ssh('alice+web1', 'exec yes', { more: ['-tt'] });
      expect(done.status).toBe(254);
      expect(done.stderr).toContain(BROKE);
      const { id } = await bastion.lastEnded();
      const session = await eventually('its recording is closed', async () => {
        const found = await bastion.session(id);
        return found.recordings?.[0]?.state === 'truncated' ? found : null;
      });
      expect(session).toMatchObject({ end_reason: 'recording_failed' });
      const path = `sessions/${id}/recording`;
      const verified = await bastion.api(`${path}/verification`, { method: 'POST' });
      expect(verified.body?.data).toMatchObject({ verdict: 'open', first_bad: null });
      const file = await bastion.api(path);
      expect(file.text).toMatch(/\n# seal .*"part":2,/);
      const key = `${session.started_at.slice(0, 10).replaceAll('-', '/')}/${id}-1.cast`;
      rmSync(`${disk.path}/recordings/${key}`);
      await room('up');
      await begins(3, '');
    });
  });
});
