import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import type { Screen } from '../support/screen.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('the menu of machines', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  async function menu(env: Record<string, string> = {}): Promise<Screen> {
    const screen = stage.alice.terminal('alice', null, { env });
    await screen.shows(/web1/);
    return screen;
  }

  async function prompt(screen: Screen): Promise<void> {
    await screen.until('a prompt', () => /[$#%] ?$/m.test(screen.text));
  }

  async function sessions(): Promise<number> {
    return (await stage.bastion.sessions('status=all&limit=100')).length;
  }

  test('type to filter, Enter, work, exit, the menu again, another machine, q', async () => {
    const before = await sessions();
    await using screen = await menu();
    expect(screen.rows[0]).toBe('Postern: which machine?');
    expect(screen.rows.join('\n')).toMatch(/> exec1 +127\.0\.0\.1:\d+ +never\n +shell1 /);
    screen.type('wEb');
    await screen.until('one machine', () => !screen.text.includes('shell1'));
    expect(screen.rows.at(-2)).toBe('1-1 of 1 (3 in all)');
    screen.type('\recho typed ahead\r');
    await prompt(screen);
    screen.type('stty size; echo at $((40 + 2)) $TERM; exit 7\r');
    await screen.until('the menu again', () => screen.rows[0] === 'Postern: which machine?');
    expect(screen.rows[1]).toBe('web1: the session ended with status 7');
    expect(screen.rows.join('\n')).toMatch(/web1 +127\.0\.0\.1:\d+ +just now/);
    expect(screen.raw).toContain('24 80');
    expect(screen.raw).toContain('at 42 xterm-256color');
    expect(screen.raw).not.toContain('typed ahead');
    const first = await stage.bastion.lastEnded();
    expect(first).toMatchObject({
      status: 'stopped',
      end_reason: 'client_closed',
      exit_status: 7,
      machine: { name: 'web1' },
      recordings: [{ state: 'complete', channel: 1 }],
    });
    screen.type('\x1b[B');
    await screen.shows(/^> shell1/m);
    screen.resize(100, 30);
    await screen.until('a taller menu', () => screen.rows[28]?.startsWith('1-3 of 3') === true);
    screen.type('\r');
    await prompt(screen);
    screen.type('stty size; exit\r');
    await screen.shows('shell1: the session ended with status 0');
    expect(screen.raw).toContain('30 100');
    const second = await stage.bastion.lastEnded();
    expect(second).toMatchObject({ machine: { name: 'shell1' }, exit_status: 0 });
    expect(second.id).not.toBe(first.id);
    screen.type('q');
    expect(await screen.exited()).toBe(0);
    expect(await sessions()).toBe(before + 2);
  });

  test('what is chosen and may not be comes back with the reason', async () => {
    await using screen = await menu();
    screen.type('exec\r');
    await screen.shows('exec1: no grant allows you shell on exec1');
    screen.type('\x03');
    expect(await screen.exited()).toBe(0);
  });

  test('on a VT100: no other screen, no other characters', async () => {
    await using screen = await menu({ TERM: 'vt100' });
    screen.type('nothing like it');
    await screen.shows('Nothing matches; Esc shows all 3');
    screen.type('\x1b');
    await screen.shows('1-3 of 3');
    expect(screen.raw).not.toContain('?1049');
    expect(screen.raw).toMatch(/^\p{ASCII}*$/u);
    screen.type('\x04');
    expect(await screen.exited()).toBe(0);
  });

  test('for a screen reader: numbers, and no cursor movement at all', async () => {
    await using screen = await menu({ TERM: 'dumb' });
    await screen.shows('q to leave:');
    expect(screen.text).toMatch(/^2\. shell1, 127\.0\.0\.1:\d+, /m);
    screen.type('3\r');
    await prompt(screen);
    screen.type('exit 3\r');
    await screen.shows('web1: the session ended with status 3');
    screen.type('SHELL1\r');
    await prompt(screen);
    screen.type('exit\r');
    await screen.shows('shell1: the session ended with status 0');
    expect(screen.raw.split('Machines 1 to 3')[0]).not.toContain('\x1b');
    screen.type('q\r');
    expect(await screen.exited()).toBe(0);
  });

  test('a terminal that is closed in the menu leaves nothing behind', async () => {
    const before = await sessions();
    {
      await using screen = await menu();
      process.kill(screen.pid, 'SIGKILL');
    }
    expect(await sessions()).toBe(before);
    await using screen = await menu();
    screen.type('web1\r');
    await prompt(screen);
    process.kill(screen.pid, 'SIGKILL');
    expect((await stage.bastion.lastEnded()).end_reason).toMatch(/^client_/);
    await eventually('no session is left', async () => {
      return (await stage.bastion.sessions()).length === 0;
    });
  });

  test('a session that an admin ends takes its menu along, with the reason', async () => {
    await using screen = await menu();
    screen.type('web1\r');
    await prompt(screen);
    const [session] = await stage.bastion.sessions();
    await stage.bastion.api(`sessions/${session?.id}`, { method: 'DELETE' });
    await screen.shows(/postern: this session was ended by/);
    expect(await screen.exited()).toBe(255);
  });

  test('a command, and a shell without a terminal, get the list and 255', async () => {
    const list = 'postern: name a machine: alice+MACHINE. You may reach: exec1, shell1, web1\n';
    expect(await stage.alice.ssh('alice', 'true')).toMatchObject({ status: 255, stderr: list });
    expect(await stage.alice.ssh('alice', null, { more: ['-T'] })).toMatchObject({
      status: 255,
      stderr: list,
    });
  });

  test('that is open shows what may be reached now, and the selection stays where it is', async () => {
    await using screen = await menu();
    screen.type('\x1b[B');
    await screen.shows(/^> shell1/m);
    const { host, port } = stage.sshd;
    await stage.bastion.apply(`
machines:
  - { name: a-new, kind: ssh, host: ${host}, port: ${port}, login: root, auth: { bastion_key: true } }
grants:
  - { to: { user: alice }, on: { machine: a-new }, allow: [shell] }
`);
    await screen.shows(/^ {2}a-new .*\n {2}exec1 .*\n> shell1 /m);
    screen.type('\x1b[A\x1b[A');
    await screen.shows(/^> a-new/m);
    const { data } = (await stage.bastion.api('machines?search=a-new')).body as {
      readonly data: { readonly machines: readonly { readonly id: string }[] };
    };
    await stage.bastion.api(`machines/${data.machines[0]?.id}`, { method: 'DELETE' });
    await screen.shows(/^> a-new +is gone/m);
    screen.type('\r');
    await screen.shows(/a-new: no machine a-new that you may reach/);
    await screen.shows(/^> exec1/m);
    // Painted anew once for the choice; all else were single lines.
    expect(screen.raw.split('\x1b[2J')).toHaveLength(3);
    screen.type('q');
    expect(await screen.exited()).toBe(0);
  });

  test('who may reach nothing reads so', async () => {
    await using screen = stage.bob.terminal('bob');
    await screen.shows('postern: you may reach no machine');
    expect(await screen.exited()).toBe(255);
  });
});
