import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, within } from '../support/eventually.ts';
import { kill, running } from '../support/processes.ts';
import { needs } from '../support/requirements.ts';
import { openWorkerStage, type StartedWorkers, type WorkerStage } from './worker-stage.ts';

/** Quick enough to wait for, and slow enough for a worker on a machine that has much to do. */
const QUICK = { pingMs: 500, mostUnanswered: 5 };

needs('ssh', 'sshd').describe('workers', () => {
  let stage: WorkerStage;
  beforeAll(async () => {
    stage = await openWorkerStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  function onlyPid({ workers }: StartedWorkers): number {
    const [pid] = workers.pids;
    if (pid === undefined) throw new Error('no worker');
    return pid;
  }

  test('carry a command, its output and its status', async () => {
    await using _started = await stage.start();
    const done = await stage.alice.ssh('alice+web1', 'cat; echo wrong >&2; exit 7', {
      input: 'through two processes',
    });
    expect(done).toMatchObject({ status: 7, stderr: 'wrong\n' });
    expect(done.stdout.toString()).toBe('through two processes');
    const session = await eventually('its session ended', async () => {
      const last = await stage.session();
      return last?.endedAt === null ? null : last;
    });
    expect(session).toMatchObject({ endReason: 'client_closed', kind: 'exec' });
  });

  test('hold no secret in environment or command line', async () => {
    const started = await stage.start();
    await using _started = started;
    const shown = ['environ', 'cmdline']
      .map((name) => readFileSync(`/proc/${onlyPid(started)}/${name}`, 'latin1'))
      .join('\n');
    expect(shown).toContain('gateway-process.ts');
    expect(shown).not.toContain('PRIVATE KEY');
    expect(shown).not.toMatch(/DATABASE_URL|POSTERN_/);
  });

  test('end a session for the control process, which knows what they hold', async () => {
    const started = await stage.start({ count: 2 });
    await using _started = started;
    await using screen = stage.alice.terminal('alice+web1', 'echo ready; exec sleep 1000');
    await screen.shows('ready');
    const { workers } = started;
    const { id } = await eventually('it is held', () =>
      workers.count === 1 ? stage.session() : null,
    );
    expect(await workers.terminate(id + 1000, 'terminated', 'carol')).toBe(false);
    expect(await workers.terminate(id, 'terminated', 'carol')).toBe(true);
    await screen.shows('postern: this session was ended by carol');
    // The gateway does not wait for long until the database has it.
    await eventually('its end is written', async () => {
      return (await stage.store.sessions.get(id))?.endReason === 'terminated';
    });
    await eventually('none is held', () => workers.count === 0);
    expect(await workers.terminate(id, 'terminated', 'carol')).toBe(false);
  });

  test('share one port, and stand in for each other', async () => {
    const started = await stage.start({ count: 2 });
    await using _started = started;
    const { workers } = started;
    const [first, second] = workers.pids;
    if (first === undefined || second === undefined) throw new Error('two workers were wanted');
    const held = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const screen = stage.alice.terminal('alice+web1', 'echo ready; exec sleep 1000');
        await screen.shows('ready', 20_000);
        return screen;
      }),
    );
    await eventually('all are held', () => workers.count === 6);
    kill(first, 'SIGKILL');
    await eventually('another took its place', () => {
      const { pids } = workers;
      return pids.length === 2 && !pids.includes(first) && pids.includes(second);
    });
    expect((await stage.alice.ssh('alice+web1', 'exit 5')).status).toBe(5);
    for (const screen of held) await screen[Symbol.asyncDispose]();
  });

  test('that hang are ended by the watchdog, and their sessions with the true reason', async () => {
    const started = await stage.start({ timing: QUICK });
    await using _started = started;
    await using screen = stage.alice.terminal('alice+web1', 'echo ready; exec sleep 1000');
    await screen.shows('ready');
    const session = await stage.session();
    const pid = onlyPid(started);
    kill(pid, 'SIGSTOP');
    await eventually('the watchdog ended it', () => !running(pid), 10_000);
    const { sessions } = stage.store;
    const ended = await eventually('the session ended', async () => {
      const row = await sessions.get(session?.id ?? 0);
      return row?.endedAt ? row : null;
    });
    expect(ended).toMatchObject({ status: 'stopped', endReason: 'worker_died' });
    await eventually('the recording was recovered', async () => {
      const [recording] = await sessions.recordings(ended.id);
      return recording?.state === 'recovered';
    });
    expect((await sessions.channels(ended.id)).map(({ endedAt }) => endedAt)).not.toContain(null);
    expect((await stage.counters.active()).sessions).toBe(0);
    const audit = await stage.store.audit.list({ type: 'session.ended' }, { limit: 1 });
    expect(audit.rows).toEqual([
      expect.objectContaining({
        sessionId: ended.id,
        detail: expect.objectContaining({ reason: 'worker_died' }),
      }),
    ]);
    expect(await screen.exited()).toBe(255);
    await eventually('another took its place', () => started.workers.pids.length === 1);
    await eventually('it takes people in', async () => {
      return (await stage.alice.ssh('alice+web1', 'exit 4')).status === 4;
    });
  });

  test('that hang in the drain are ended, and leave their sessions drained', async () => {
    const started = await stage.start({ timing: { drainMs: 300, leaveMs: 300 } });
    await using screen = stage.alice.terminal('alice+web1', 'echo ready; exec sleep 1000');
    await screen.shows('ready');
    const session = await stage.session();
    const pid = onlyPid(started);
    kill(pid, 'SIGSTOP');
    await within('the drain', started.workers.drain());
    await eventually('it is ended', () => !running(pid));
    await eventually('the end is written', async () => {
      return (await stage.store.sessions.get(session?.id ?? 0))?.endReason === 'drained';
    });
  });

  test('drained tell their users, and leave nothing', async () => {
    const started = await stage.start({ count: 2 });
    await using screen = stage.alice.terminal('alice+web1', 'echo ready; exec sleep 1000');
    await screen.shows('ready');
    const session = await stage.session();
    const { pids, address } = started.workers;
    await started.workers.drain();
    expect(await screen.exited()).toBe(255);
    expect(screen.text).toContain('postern: the bastion is shutting down');
    expect(pids.filter(running)).toEqual([]);
    const row = await stage.store.sessions.get(session?.id ?? 0);
    expect(row).toMatchObject({ endReason: 'drained' });
    expect(await stage.store.sessions.recordings(row?.id ?? 0)).toEqual([
      expect.objectContaining({ state: 'complete' }),
    ]);
    const socket = connect(address);
    const answer = new Promise((resolve) => {
      socket.once('connect', () => resolve('connected'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(await within('an answer', answer)).toBe('ECONNREFUSED');
  });

  test('that cannot listen say so, and leave nothing', async () => {
    const started = await stage.start();
    await using _started = started;
    const { settings } = stage.options;
    const taken = stage.start({ settings: { ...settings, listen: started.workers.address } });
    await expect(taken).rejects.toThrow(/EADDRINUSE.*127\.0\.0\.1/);
    expect((await stage.alice.ssh('alice+web1', 'exit 2')).status).toBe(2);
  });

  test('that do not start in time are ended', async () => {
    const late = stage.start({ timing: { startMs: 1 } });
    await expect(within('an answer', late)).rejects.toThrow('start: no answer within 1 ms');
  });

  test('that cannot be started again stop the server', async () => {
    const timing = { firstPauseMs: 3000, longestPauseMs: 10, mostFailedStarts: 2 };
    const started = await stage.start({ timing });
    await using _started = started;
    const { port } = started.workers.address;
    kill(onlyPid(started), 'SIGKILL');
    const squatter = createServer();
    // It can be had once the last thread of the dead process is gone.
    await eventually('its port is taken', () => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      squatter.once('listening', () => resolve(true));
      squatter.once('error', () => resolve(false));
      squatter.listen(port, '127.0.0.1');
      return promise;
    });
    try {
      await eventually('the server is told', () => started.lost.length > 0);
    } finally {
      squatter.close();
    }
    expect(started.lost).toEqual(['worker 1 could not be started again']);
    expect(stage.kept.text()).toContain('EADDRINUSE');
    await eventually('none is left', () => started.workers.pids.length === 0);
  });
});
