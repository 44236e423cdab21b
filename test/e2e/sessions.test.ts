import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SessionView } from '../support/bastion.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('a session over the API', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** The only active session. */
  async function active(): Promise<SessionView> {
    return await eventually('one session is active', async () => {
      const sessions = await stage.bastion.sessions();
      return sessions.length === 1 ? sessions[0] : null;
    });
  }

  test('is ended while it floods the user, who reads why', async () => {
    const child = stage.alice.spawn('alice+web1', 'yes');
    const ended = new Promise((resolve) => child.once('close', resolve));
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdout?.resume();
    const { id } = await active();
    const before = performance.now();
    const answer = await stage.bastion.api(`sessions/${id}`, { method: 'DELETE' });
    expect(answer).toMatchObject({ status: 200, body: { success: true } });
    expect(await within('ssh ends', ended, 2000)).toBe(255);
    expect(performance.now() - before).toBeLessThan(2000);
    expect(errors).toMatch(/^postern: this session was ended by an administrator/m);
    expect(await stage.bastion.session(id)).toMatchObject({
      status: 'stopped',
      end_reason: 'terminated',
    });
    await stage.bastion.audited('session.terminated');
    const again = await stage.bastion.api(`sessions/${id}`, { method: 'DELETE' });
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'CONFLICT' } } });
  });

  test('is ended under a terminal, which shows why', async () => {
    await using screen = stage.alice.terminal('alice+web1');
    await screen.until('a prompt', () => screen.text !== '');
    const { id } = await active();
    const answer = await stage.bastion.api(`sessions/${id}`, { method: 'DELETE' });
    expect(answer.status).toBe(200);
    expect(await screen.exited(2000)).toBe(255);
    expect(screen.text).toMatch(/^postern: this session was ended by an administrator/m);
  });

  test('is ended on the command line though the machine holds on to its program', async () => {
    const child = stage.alice.spawn('alice+web1', 'exec sleep 1000');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const { id } = await active();
    const list = await stage.bastion.cli('session', 'ls');
    expect(list.stdout.toString()).toContain('web1');
    expect(await stage.bastion.cli('session', 'kill', id)).toMatchObject({ status: 0 });
    expect(await within('ssh ends', ended)).toBe(255);
  });

  test('has its output in its logs', async () => {
    await stage.alice.ssh('alice+web1', 'echo the gate is narrow');
    const { id } = await stage.bastion.lastEnded();
    const json = await stage.bastion.api(`sessions/${id}/logs`);
    expect(json.status).toBe(200);
    expect(json.text).toContain('the gate is narrow');
    const text = await stage.bastion.api(`sessions/${id}/logs?format=text`);
    expect(text.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(text.text).toContain('the gate is narrow\n');
  });

  test('counts in the statistics while it runs, and in the totals ever after', async () => {
    const stats = async (): Promise<{ active_sessions: number; total_sessions: number }> => {
      const answer = await stage.bastion.api('sessions/stats');
      expect(answer.status).toBe(200);
      return answer.body?.data as { active_sessions: number; total_sessions: number };
    };
    await eventually('nothing runs', async () => (await stats()).active_sessions === 0);
    const before = await stats();
    const child = stage.alice.spawn('alice+web1', 'cat');
    await active();
    const during = await stats();
    expect(during.active_sessions).toBe(1);
    expect(during.total_sessions).toBe(before.total_sessions + 1);
    child.stdin?.end();
    await eventually('nothing runs', async () => (await stats()).active_sessions === 0);
  });

  test('thirty at once all get their own answer', async () => {
    const before = (await stage.bastion.sessions('status=all&limit=1'))[0]?.id ?? 'sess_0';
    const commands = Array.from({ length: 30 }, (_, number) =>
      stage.alice.ssh('alice+web1', `echo ${number}; exit ${number}`, { deadlineMs: 60_000 }),
    );
    const answers = await Promise.all(commands);
    for (const [number, answer] of answers.entries()) {
      expect(answer).toMatchObject({ status: number, stderr: '' });
      expect(answer.stdout.toString()).toBe(`${number}\n`);
    }
    const sessions = await eventually('all have ended', async () => {
      const all = await stage.bastion.sessions('status=all&limit=100');
      const newer = all.slice(
        0,
        all.findIndex((session) => session.id === before),
      );
      return newer.every((session) => session.status === 'stopped') ? newer : null;
    });
    expect(sessions).toHaveLength(30);
  });

  test('is counted in /metrics, with the processes that carried it', async () => {
    await stage.alice.ssh('alice+web1', 'echo counted');
    const { url, token } = stage.bastion;
    const read = async (): Promise<string> => {
      const answer = await fetch(`${url}/metrics`, {
        headers: { Authorization: `Bearer ${token}` },
      });
      return answer.text();
    };
    const text = await eventually('the session has ended', async () => {
      const figures = await read();
      return /^postern_sessions_ended_total\{kind="exec",reason="client_closed"\} [1-9]/m.test(
        figures,
      )
        ? figures
        : null;
    });
    expect(text).toMatch(/^postern_sessions_started_total\{kind="exec"\} [1-9]/m);
    expect(text).toMatch(/^postern_session_bytes_total\{direction="out"\} [1-9]/m);
    expect(text).toMatch(/^postern_up\{part="database"\} 1$/m);
    expect(text).toMatch(/^process_resident_memory_bytes\{process="control"\} \d{7,}$/m);
    expect(text).not.toContain('alice');
    await eventually('the worker has answered', async () =>
      /^postern_recorder_queue_bytes\{process="worker-1"\} \d+$/m.test(await read()),
    );
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
  });
});
