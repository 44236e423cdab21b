import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { running } from '../support/processes.ts';
import { needs, the } from '../support/requirements.ts';
import { Screen } from '../support/screen.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('a shell through the bastion', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** A shell that is known to listen. */
  async function shell(size: { cols?: number; rows?: number } = {}): Promise<Screen> {
    const screen = stage.alice.terminal('alice+web1', null, size);
    await screen.until('a prompt', () => screen.text !== '');
    screen.type("PS1='%% '; clear\r");
    await screen.shows(/^%%/m);
    return screen;
  }

  test('has the size of the terminal, and follows when it is resized', async () => {
    await using screen = await shell({ cols: 91, rows: 27 });
    screen.type('stty size\r');
    await screen.shows('27 91');
    screen.resize(132, 43);
    screen.type('until stty size | grep "43 132"; do sleep 0.1; done\r');
    await screen.shows(/^43 132$/m);
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
  });

  test('passes colours and the name of the terminal', async () => {
    await using screen = await shell();
    screen.type('printf "\\033[1;35mpurple\\033[0m %s\\n" "<$TERM>"\r');
    await screen.shows('purple <xterm-256color>');
    expect(screen.raw).toContain('\x1b[1;35mpurple\x1b[0m');
  });

  test('ends with the status that was given to exit', async () => {
    await using screen = await shell();
    screen.type('exit 7\r');
    expect(await screen.exited()).toBe(7);
    expect(await stage.bastion.lastEnded()).toMatchObject({
      kind: 'shell',
      status: 'stopped',
      end_reason: 'client_closed',
      exit_status: 7,
    });
  });

  test('gives Ctrl-C to what runs, and goes on', async () => {
    await using screen = await shell();
    screen.type("sh -c 'echo waiting; exec sleep 1000'; echo status $?\r");
    await screen.shows(/^waiting$/m);
    screen.type('\x03');
    screen.type('echo again $((40 + 2))\r');
    await screen.shows('again 42');
  });

  test('is in the list of sessions while it runs, and stopped afterwards', async () => {
    await using screen = await shell();
    const active = await eventually('the session is active', async () => {
      const sessions = await stage.bastion.sessions();
      return sessions.find((session) => session.kind === 'shell');
    });
    expect(active).toMatchObject({
      status: 'active',
      login: stage.sshd.login,
      user: { name: 'alice' },
      machine: { name: 'web1' },
      ended_at: null,
    });
    screen.type('exit\r');
    await screen.exited();
    const ended = await eventually('the session has ended', async () => {
      const session = await stage.bastion.session(active.id);
      return session.status === 'stopped' ? session : null;
    });
    expect(ended.ended_at).not.toBeNull();
    expect(ended.bytes_in).toBeGreaterThan(0);
    expect(ended.bytes_out).toBeGreaterThan(0);
    expect(ended.recordings).toEqual([expect.objectContaining({ state: 'complete' })]);
  });

  test('takes what runs in it along when the client vanishes', async () => {
    await using screen = await shell();
    screen.type('sh -c \'echo "pid $$."; exec sleep 1000\'\r');
    await screen.shows(/pid \d+\./);
    const pid = Number(/pid (\d+)\./.exec(screen.text)?.[1]);
    process.kill(screen.pid, 'SIGKILL');
    await eventually('the program has ended', () => !running(pid));
    expect((await stage.bastion.lastEnded()).end_reason).toMatch(/^client_/);
  });

  test('passes the terminal modes of the client', async () => {
    const { alice } = stage;
    const args = alice.args('alice+web1', ['stty', '-a'], ['-tt']);
    const command = [the('ssh'), ...args].map((word) => `'${word}'`).join(' ');
    await using screen = new Screen('/bin/sh', ['-c', `stty erase ^B intr ^G; exec ${command}`]);
    await screen.exited();
    expect(screen.text).toContain('erase = ^B;');
    expect(screen.text).toContain('intr = ^G;');
  });

  needs('vim').describe('under an editor', () => {
    test('what is typed into vim ends up in the file', async () => {
      const file = stage.alice.path('note.txt');
      await using screen = await shell();
      screen.type(`${the('vim')} -u NONE -N ${file}\r`);
      await screen.until('an empty buffer', () => screen.rows[5] === '~');
      screen.type('ithe gate is narrow\x1b');
      await screen.shows('the gate is narrow');
      screen.type(':wq\r');
      await screen.until('the prompt', () => /^%%/m.test(screen.rows.join('\n')));
      expect(readFileSync(file, 'utf8')).toBe('the gate is narrow\n');
    });
  });

  needs('less').describe('under a pager', () => {
    test('less shows the first page, and the last one on G', async () => {
      await using screen = await shell({ rows: 20 });
      screen.type('seq 1 500 | less\r');
      await screen.until('the first page', () => screen.rows[0] === '1' && screen.rows[19] === ':');
      screen.type('G');
      await screen.until('the last page', () => screen.rows.includes('500'));
      screen.type('q');
      screen.type('exit\r');
      expect(await screen.exited()).toBe(0);
    });
  });
});
