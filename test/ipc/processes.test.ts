import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkAsciicast } from '../support/asciicast.ts';
import { eventually, within } from '../support/eventually.ts';
import { kill, running } from '../support/processes.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('the product without workers', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({ settings: { POSTERN_WORKERS: '0' } });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  test('is one process, and does the same', async () => {
    const { alice, bastion } = stage;
    expect(bastion.family).toEqual([bastion.pid]);
    expect((await alice.ssh('alice+web1', 'exit 3')).status).toBe(3);
    const session = await bastion.lastEnded();
    expect(session).toMatchObject({ end_reason: 'client_closed', kind: 'exec' });
  });
});

needs('ssh', 'sshd').describe('the product in two processes', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({ settings: { POSTERN_WORKERS: '1' } });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  function workers(): readonly number[] {
    const { family, pid } = stage.bastion;
    return family.filter((each) => each !== pid);
  }

  test('outlives its worker: the API answers, the session has ended, ssh works again', async () => {
    const { alice, bastion } = stage;
    await using screen = alice.terminal('alice+web1', 'echo held; exec sleep 1000');
    await screen.shows('held');
    const session = await eventually('it is active', async () => (await bastion.sessions())[0]);
    await eventually('its recording is on disk', async () => {
      const answer = await bastion.api(`sessions/${session.id}/recording`);
      return answer.text.includes('held');
    });
    const [worker] = workers();
    expect(worker).toBeGreaterThan(0);
    kill(worker ?? 0, 'SIGKILL');
    expect((await bastion.api('sessions/stats')).status).toBe(200);
    await eventually('ssh works', async () => {
      return (await alice.ssh('alice+web1', 'exit 3')).status === 3;
    });
    const ended = await eventually('its recording was recovered', async () => {
      const one = await bastion.session(session.id);
      return one.recordings?.[0]?.state === 'recovered' ? one : null;
    });
    expect(ended).toMatchObject({ status: 'stopped', end_reason: 'worker_died' });
    await eventually('no session is left', async () => (await bastion.sessions()).length === 0);
    const cast = await bastion.api(`sessions/${session.id}/recording`);
    expect(checkAsciicast(cast.text).text).toContain('held\r\n');
    const events = await bastion.audit();
    expect(events).toContain('session.ended');
  });

  test('is terminated through the API across the processes', async () => {
    const { alice, bastion } = stage;
    await using screen = alice.terminal('alice+web1', 'yes');
    await screen.shows('y');
    const session = await eventually('it is active', async () => (await bastion.sessions())[0]);
    const answer = await bastion.api(`sessions/${session.id}`, { method: 'DELETE' });
    expect(answer.status).toBe(200);
    expect(await screen.exited()).toBe(255);
    await eventually('its end is written', async () => {
      return (await bastion.session(session.id)).end_reason === 'terminated';
    });
  });

  test('has a worker that leaves only when it is told to', async () => {
    const { alice } = stage;
    const before = workers();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      for (const worker of before) kill(worker, signal);
    }
    expect((await alice.ssh('alice+web1', 'exit 6')).status).toBe(6);
    expect(workers()).toEqual(before);
  });

  test('killed in its control process leaves no worker, and its users are told', async () => {
    const { alice, bastion } = stage;
    await using screen = alice.terminal('alice+web1', 'echo held; exec sleep 1000');
    await screen.shows('held');
    const { family, pid } = bastion;
    expect(family.length).toBeGreaterThan(1);
    kill(pid, 'SIGKILL');
    await eventually('no process is left', () => family.every((each) => !running(each)));
    expect(await screen.exited()).toBe(255);
    expect(screen.text).toContain('postern: the bastion is shutting down');
    await bastion.kill();
    await bastion.start();
    expect(await bastion.sessions()).toEqual([]);
    expect(await bastion.lastEnded()).toMatchObject({ end_reason: 'node_died' });
  });

  test('interrupted at a terminal drains, and leaves nothing', async () => {
    const { alice, bastion } = stage;
    await using screen = alice.terminal('alice+web1', 'echo held; exec sleep 1000');
    await screen.shows('held');
    const { family } = bastion;
    // Ctrl-C signals every process of the group.
    for (const pid of family) kill(pid, 'SIGINT');
    await within('it ends', bastion.stop());
    expect(await screen.exited()).toBe(255);
    expect(screen.text).toContain('postern: the bastion is shutting down');
    expect(family.filter(running)).toEqual([]);
    await bastion.start();
    expect(await bastion.lastEnded()).toMatchObject({
      end_reason: 'drained',
      recordings: [{ state: 'complete' }],
    });
  });
});
