import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CheckedCast, checkAsciicast } from '../support/asciicast.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { must } from '../support/run.ts';
import { openStage, type Stage } from '../support/stage.ts';

const MB = 1024 * 1024;

needs('ssh', 'sshd').describe('the recording of a session', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** The last session's asciicast, checked line by line. */
  async function cast(): Promise<CheckedCast> {
    const { id } = await stage.bastion.lastEnded();
    const answer = await stage.bastion.api(`sessions/${id}/recording`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/x-asciicast/);
    return checkAsciicast(answer.text);
  }

  test('has the output, the resizes and the exit status, and not the input', async () => {
    await using screen = stage.alice.terminal('alice+web1', null, { cols: 90, rows: 30 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type("stty -echo; PS1='%% '; clear\r");
    await screen.shows(/^%%/m);
    screen.type('printf "who%s\\n" "?"; read secret; echo got $(printf %s "$secret" | wc -c)\r');
    await screen.shows('who?');
    screen.type('swordfish\r');
    await screen.shows('got 9');
    screen.resize(100, 33);
    screen.type('until stty size | grep "33 100"; do sleep 0.1; done\r');
    await screen.shows(/^33 100$/m);
    screen.type('printf "\\346\\274\\242\\345\\255\\227 \\360\\237\\232\\252\\n"; exit 4\r');
    expect(await screen.exited()).toBe(4);
    const checked = await cast();
    expect(checked).toMatchObject({ version: 3, cols: 90, rows: 30, exitStatus: 4 });
    expect(checked.text).toContain('got 9\r\n');
    expect(checked.text).toContain('漢字 🚪\r\n');
    expect(JSON.stringify(checked.events)).not.toContain('swordfish');
    const resizes = checked.events.filter(({ code }) => code === 'r').map(({ data }) => data);
    expect(resizes).toEqual(['100x33']);
  });

  test('of a command has what it wrote on both streams', async () => {
    await stage.alice.ssh('alice+web1', 'echo to stdout; echo to stderr >&2; exit 3');
    const checked = await cast();
    expect(checked.output.toString()).toBe('to stdout\n');
    expect(checked.error.toString()).toBe('to stderr\n');
    expect(checked.exitStatus).toBe(3);
  });

  test('that must be made and cannot be means no session, and an exit status of 254', async () => {
    const { alice, bastion } = stage;
    const root = join(bastion.dataDir, 'recordings');
    renameSync(root, `${root}.away`);
    writeFileSync(root, 'a file where the directory should be');
    const done = await alice.ssh('alice+web1', 'echo must not run');
    expect(done.status).toBe(254);
    expect(done.stdout.toString()).toBe('');
    expect(done.stderr).toBe(
      'postern: this session must be recorded and cannot be, so it was not started\n',
    );
    expect(await bastion.lastEnded()).toMatchObject({
      status: 'failed',
      end_reason: 'recording_failed',
    });
    await bastion.audited('recording.failed');
    // Where none is wanted, nothing is in the way.
    expect(await alice.ssh('alice+exec1', 'exit 3')).toMatchObject({ status: 3 });
    rmSync(root);
    renameSync(`${root}.away`, root);
    expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
  });

  /** The size that no file of the bastion may grow beyond, soft: a write beyond it fails. */
  async function limitFiles(size: string): Promise<void> {
    for (const pid of stage.bastion.family) {
      await must('prlimit', ['--pid', String(pid), `--fsize=${size}`]);
    }
  }

  test('that breaks ends the session with a line that says so, and 254', async () => {
    const { alice, bastion } = stage;
    const command = 'echo started; cat >/dev/null; exec yes';
    const child = alice.spawn('alice+web1', command, ['-tt']);
    const ended = new Promise((resolve) => child.once('close', resolve));
    let started = false;
    child.stdout?.on('data', (chunk: Buffer) => {
      started ||= chunk.includes('started');
    });
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    await eventually('it has started', () => started);
    await limitFiles(`${40 * MB}:`);
    child.stdin?.write('\x04');
    expect(await within('ssh ends', ended, 30_000)).toBe(254);
    expect(errors).toMatch(
      /^postern: this session must be recorded and its recording broke, so it was ended\r$/m,
    );
    await limitFiles('unlimited:');
    expect(await bastion.lastEnded()).toMatchObject({
      status: 'failed',
      end_reason: 'recording_failed',
    });
    expect(await alice.ssh('alice+web1', 'exit 3')).toMatchObject({ status: 3 });
  });

  test('can be read while the session goes on', async () => {
    const { alice, bastion } = stage;
    // Else the one before may still count as active.
    await bastion.lastEnded();
    const child = alice.spawn('alice+web1', 'echo so far; cat');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const session = await eventually('it is active', async () => (await bastion.sessions())[0]);
    await eventually('its recording has the output', async () => {
      const answer = await bastion.api(`sessions/${session.id}/recording`);
      return answer.status === 200 && answer.text.includes('so far');
    });
    child.stdin?.end();
    await within('ssh ends', ended);
  });
});
