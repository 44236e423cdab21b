import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAIN } from '../support/bastion.ts';
import { eventually } from '../support/eventually.ts';
import { holdProgram } from '../support/held-program.ts';
import { kill } from '../support/processes.ts';
import { needs } from '../support/requirements.ts';
import { run } from '../support/run.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('a second process on a data directory', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  test('is refused, also while the first is stopped, and touches nothing of it', async () => {
    const { bastion, alice } = stage;
    const live = await holdProgram(bastion, alice, 'alice+web1');
    await eventually('it is recorded', async () => {
      const { recordings } = await bastion.session(live.id);
      return recordings?.length === 1;
    });
    const { pid, settings, dataDir } = bastion;
    kill(pid, 'SIGSTOP');
    try {
      const env = { ...settings, POSTERN_READY_FILE: alice.path('ready.json') };
      const second = await run(process.execPath, [MAIN, 'serve'], { env, cwd: alice.path('') });
      expect(second.status).toBe(1);
      expect(second.stderr + second.stdout.toString()).toContain(
        `the data directory ${dataDir} is in use by another postern`,
      );
    } finally {
      kill(pid, 'SIGCONT');
    }
    expect(await bastion.session(live.id)).toMatchObject({
      status: 'active',
      recordings: [{ state: 'recording' }],
    });
    const ended = await bastion.api(`sessions/${live.id}`, { method: 'DELETE' });
    expect(ended).toMatchObject({ status: 200 });
    expect(await live.ended).toBe(255);
    await eventually('its recording is whole', async () => {
      const { recordings } = await bastion.session(live.id);
      return recordings?.[0]?.state === 'complete';
    });
  });
});
