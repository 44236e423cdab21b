import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkAsciicast } from '../support/asciicast.ts';
import { eventually, within } from '../support/eventually.ts';
import { kill, running } from '../support/processes.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('a bastion that ends', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** What the audit says of the server, newest first. */
  const told = async (): Promise<readonly string[]> =>
    (await stage.bastion.audit()).filter((type) => type.startsWith('server.')).slice(0, 2);

  test('by a crash finds its data again, and closes what it left behind', async () => {
    const { alice, bastion } = stage;
    await using screen = alice.terminal('alice+web1', 'echo before the crash; exec sleep 1000');
    await screen.shows('before the crash');
    const session = await eventually('it is active', async () => (await bastion.sessions())[0]);
    await eventually('its recording is on disk', async () => {
      const answer = await bastion.api(`sessions/${session.id}/recording`);
      return answer.text.includes('before the crash');
    });
    const { token, family } = bastion;
    await bastion.kill();
    await eventually('no part of it outlives the crash', () => !family.some(running));
    expect(await screen.exited()).toBe(255);
    await bastion.start();
    expect(bastion.token).toBe(token);
    expect(await told()).toEqual(['server.started', 'server.started']);
    expect(await bastion.session(session.id)).toMatchObject({
      status: 'stopped',
      end_reason: 'node_died',
      // Its worker outlived it by a moment, and may have sealed the recording itself.
      recordings: [{ state: expect.stringMatching(/^(complete|recovered)$/) }],
    });
    const check = `sessions/${session.id}/recording/verification`;
    expect((await bastion.api(check, { method: 'POST' })).body?.data).toMatchObject({
      verdict: expect.stringMatching(/^(complete|recovered)$/),
      first_bad: null,
    });
    expect(await bastion.sessions()).toEqual([]);
    const cast = await bastion.api(`sessions/${session.id}/recording`);
    expect(checkAsciicast(cast.text).text).toContain('before the crash\r\n');
    expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
  });

  test('in part, by the death of a worker, has it replaced at the same address', async () => {
    const { alice, bastion } = stage;
    await using screen = alice.terminal('alice+web1', 'echo held; exec sleep 1000');
    await screen.shows('held');
    const session = await eventually('it is active', async () => (await bastion.sessions())[0]);
    const workers = bastion.family.filter((pid) => pid !== bastion.pid);
    expect(workers).toHaveLength(1);
    for (const worker of workers) kill(worker, 'SIGKILL');
    expect(await screen.exited()).toBe(255);
    const ended = await eventually('its session has ended', async () => {
      const seen = await bastion.session(session.id);
      return seen.status === 'stopped' ? seen : null;
    });
    expect(ended.end_reason).toBe('worker_died');
    await eventually('its recording is repaired', async () => {
      const { recordings } = await bastion.session(session.id);
      return recordings?.length === 1 && recordings[0]?.state === 'recovered';
    });
    await eventually('a new worker serves', async () => {
      const done = await alice.ssh('alice+web1', 'exit 3');
      return done.status === 3;
    });
  });

  test('by a signal tells its users, and leaves nothing behind', async () => {
    const { alice, bastion } = stage;
    await using screen = alice.terminal('alice+web1', 'echo ready; exec sleep 1000');
    await screen.shows('ready');
    const child = alice.spawn('alice+web1', 'echo ready; exec sleep 1000');
    const ended = new Promise((resolve) => child.once('close', resolve));
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    await eventually('it runs', () => child.stdout?.readableLength);
    child.stdout?.resume();
    const { family, ssh } = bastion;
    expect(await bastion.stop()).toEqual({ code: 0, signal: null });
    expect(await within('ssh ends', ended)).toBe(255);
    expect(errors).toContain('postern: the bastion is shutting down');
    expect(await screen.exited()).toBe(255);
    expect(screen.text).toContain('postern: the bastion is shutting down');
    expect(existsSync(bastion.readyFile)).toBe(false);
    expect(family.filter(running)).toEqual([]);
    const socket = connect(ssh);
    const answer = new Promise((resolve) => {
      socket.once('connect', () => resolve('connected'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(await within('an answer', answer)).toBe('ECONNREFUSED');
    await bastion.start();
    expect(await told()).toEqual(['server.started', 'server.stopped']);
    const sessions = await bastion.sessions('status=all&limit=2');
    expect(sessions).toEqual([
      expect.objectContaining({ status: 'stopped', end_reason: 'drained' }),
      expect.objectContaining({ status: 'stopped', end_reason: 'drained' }),
    ]);
  });
});
