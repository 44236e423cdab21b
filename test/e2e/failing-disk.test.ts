import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkAsciicast } from '../support/asciicast.ts';
import { eventually, within } from '../support/eventually.ts';
import { holdProgram } from '../support/held-program.ts';
import { needs } from '../support/requirements.ts';
import { type Scratch, scratch } from '../support/scratch.ts';
import { type FailingDisk, failingDisk, withFailingDisks } from '../support/small-disk.ts';
import { openStage, type Stage } from '../support/stage.ts';

const BROKE = 'this session must be recorded and its recording broke, so it was ended';

/** Writes until its session ends. */
const LASTING = 'while sleep 0.1; do echo on; done';

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
      const { host, port, login, keyFile } = stage.sshd;
      await stage.bastion.apply(`
machines:
  - name: loose1
    kind: ssh
    host: ${host}
    port: ${port}
    login: ${login}
    auth: { key: { file: ${JSON.stringify(keyFile)} } }
    recording: best_effort
grants:
  - { to: { user: alice }, on: { machine: loose1 }, allow: [shell, exec] }
`);
    });
    afterAll(async () => {
      await stage?.[Symbol.asyncDispose]();
      disk?.[Symbol.dispose]();
      place?.[Symbol.dispose]();
    });

    async function recorded(id: string, text: string): Promise<void> {
      await eventually('its recording is on disk', async () =>
        (await stage.bastion.api(`sessions/${id}/recording`)).text.includes(text),
      );
    }

    test('the session ends with 254, its recording is cut, and others begin when it is mended', async () => {
      const { alice, bastion } = stage;
      const on = await holdProgram(bastion, alice, 'alice+loose1', ['-tt'], LASTING);
      await recorded(on.id, 'ready');
      const live = await holdProgram(bastion, alice, 'alice+web1', ['-tt'], 'cat; exec yes');
      await recorded(live.id, 'ready');
      disk.fail();
      live.input('\x04');
      expect(await within('ssh ends', live.ended, 30_000)).toBe(254);
      expect(live.errors()).toContain(BROKE);
      await eventually('its recording is closed', async () => {
        const { recordings, end_reason } = await bastion.session(live.id);
        return recordings?.[0]?.state === 'truncated' && end_reason === 'recording_failed';
      });
      expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 254 });
      await eventually('the other session goes on without', async () => {
        const { recordings, status } = await bastion.session(on.id);
        return recordings?.[0]?.state === 'gap' && status === 'active';
      });
      await eventually('the audit and the figures say so', async () => {
        const { body } = await bastion.api(`audit?type=recording.failed&session_id=${on.id}`);
        const { text } = await bastion.api('sessions/stats');
        return (
          JSON.stringify(body).includes('"policy":"best_effort"') &&
          text.includes('"recordings_failed":{"required":2,"best_effort":1}')
        );
      });
      await disk.mend();
      expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
      const path = `sessions/${live.id}/recording`;
      expect((await bastion.api(path)).text).toContain('ready');
      const verified = await bastion.api(`${path}/verification`, { method: 'POST' });
      expect(verified.body?.data).toMatchObject({ verdict: 'open', first_bad: null });
      await bastion.api(`sessions/${on.id}`, { method: 'DELETE' });
      await within('the other session ends', on.ended, 30_000);
      // What is left of both is sealed by the next start, and says how it ended.
      await bastion.stop();
      await bastion.start();
      await sealed(live.id, 'truncated', 'broke here, and its session was ended');
      await sealed(on.id, 'gap', 'broke here, and its session went on without');
    });

    async function sealed(id: string, state: string, words: string): Promise<void> {
      const { bastion } = stage;
      const path = `sessions/${id}/recording`;
      const verified = await bastion.api(`${path}/verification`, { method: 'POST' });
      expect(verified.body?.data).toMatchObject({ verdict: state, unsealed: null });
      const { recordings } = await bastion.session(id);
      expect(recordings).toMatchObject([{ state, size: expect.any(Number) }]);
      const { text } = await bastion.api(path);
      expect(checkAsciicast(text).events.at(-1)).toMatchObject({
        code: 'm',
        data: expect.stringContaining(words),
      });
    }
  });
});
