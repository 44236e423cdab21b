import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, within } from '../support/eventually.ts';
import { running } from '../support/processes.ts';
import { needs } from '../support/requirements.ts';
import type { RunOptions } from '../support/run.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('a command through the bastion', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const exec = (command: string, options: RunOptions & { more?: string[] } = {}) =>
    stage.alice.ssh('alice+web1', command, options);

  test.each([
    ['a status', 'exit 42'],
    ['no status to speak of', 'true'],
    ['a command that there is not', '/no/such/program'],
    ['output on both streams', 'echo out; echo err >&2; exit 3'],
    ['the end by KILL', 'kill -9 $$'],
    ['the end by TERM', 'kill -TERM $$'],
    ['the end by a signal that SSH has no name for', 'kill -SYS $$'],
  ])('answers %s as the machine itself does', async (_what, command) => {
    const through = await exec(command);
    const direct = await stage.direct.ssh(stage.sshd.login, command);
    expect(through).toEqual(direct);
  });

  test('has its status in the list of sessions', async () => {
    expect(await exec('exit 42')).toMatchObject({ status: 42 });
    expect(await stage.bastion.lastEnded()).toMatchObject({
      kind: 'exec',
      status: 'stopped',
      exit_status: 42,
      channels: [{ kind: 'exec', exit_status: 42 }],
    });
  });

  test('reads input that came before the machine was there', async () => {
    const done = await exec('cat', { input: 'x' });
    expect(done.stdout.toString()).toBe('x');
    expect(done.status).toBe(0);
  });

  test('gets the end of its input and goes on to write', async () => {
    const done = await exec('cat; echo done; exit 5', { input: 'all of it\n' });
    expect(done.stdout.toString()).toBe('all of it\ndone\n');
    expect(done.status).toBe(5);
  });

  test('ends, though its input was never read', async () => {
    const leaves = () => exec('echo out; exit 7', { input: 'for nobody\n' });
    const done = await Promise.all(Array.from({ length: 12 }, leaves));
    for (const one of done) expect(one).toMatchObject({ status: 7, stdout: Buffer.from('out\n') });
  });

  test('runs without any input', async () => {
    const done = await exec('echo alone; cat', { more: ['-n'] });
    expect(done.stdout.toString()).toBe('alone\n');
    expect(done.status).toBe(0);
  });

  test('takes every byte there is, both ways', async () => {
    const bytes = Buffer.concat([
      Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
      randomBytes(1 << 20),
    ]);
    const done = await exec('cat', { input: bytes });
    expect(done.stdout.equals(bytes)).toBe(true);
  });

  test('keeps stderr apart from stdout when both are full and the reader is slow', async () => {
    const script = `perl -e '$|=1; for (1..3000) { print STDOUT "o" x 999, "\\n"; print STDERR "e" x 999, "\\n" } exit 6'`;
    const child = stage.alice.spawn('alice+web1', script);
    const ended = new Promise((resolve) => child.once('close', resolve));
    const errors: Buffer[] = [];
    let errorBytes = 0;
    child.stderr?.on('data', (chunk: Buffer) => {
      errors.push(chunk);
      errorBytes += chunk.length;
    });
    await eventually('stderr comes while nobody reads stdout', () => errorBytes > 300_000);
    const output: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
    expect(await within('it ends', ended, 30_000)).toBe(6);
    expect(Buffer.concat(output).toString()).toBe(`${'o'.repeat(999)}\n`.repeat(3000));
    expect(Buffer.concat(errors).toString()).toBe(`${'e'.repeat(999)}\n`.repeat(3000));
  });

  test('ends when nobody reads its output any more', async () => {
    const child = stage.alice.spawn('alice+web1', 'echo $$ >&2; exec yes');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const pid = await eventually('its pid', () => /^(\d+)\n/.exec(errors)?.[1]);
    await eventually('its output', () => child.stdout?.readableLength);
    child.stdout?.destroy();
    await within('ssh ends', ended);
    await eventually('yes has ended on the machine', () => !running(Number(pid)));
  });

  test('is over for the bastion when the client is killed', async () => {
    const child = stage.alice.spawn('alice+web1', 'echo $$; exec sleep 1000');
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await eventually('its pid', () => /^\d+\n/.test(output));
    child.kill('SIGKILL');
    // sshd leaves a program without a terminal running; what must end is the session.
    const last = await stage.bastion.lastEnded();
    expect(last).toMatchObject({ status: 'stopped' });
    expect(last.end_reason).toMatch(/^client_/);
    process.kill(Number(output), 'SIGKILL');
  });

  test('may be thirty thousand bytes long', async () => {
    const word = 'w'.repeat(30_000);
    const done = await exec(`printf %s ${word}`);
    expect(done.stdout.toString()).toBe(word);
  });

  test('gets the variables that the machine accepts', async () => {
    const more = ['-o', 'SetEnv=LC_POSTERN=gr\u00fc\u00df POSTERN_TEST=two'];
    const done = await exec('echo "$LC_POSTERN,$POSTERN_TEST"', { more });
    expect(done.stdout.toString()).toBe('gr\u00fc\u00df,two\n');
  });

  test('gets a signal that the client sends', async () => {
    await using screen = stage.alice.terminal('alice+web1', "trap 'exit 9' INT; echo ready; cat");
    await screen.shows('ready');
    screen.type('\x03');
    expect(await screen.exited()).toBe(9);
  });
});
