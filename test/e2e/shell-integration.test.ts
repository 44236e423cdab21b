import { afterAll, beforeAll, expect, test } from 'vitest';
import { MARKED_SHELLS } from '../../src/domain/shell-integration.ts';
import { dataOf } from '../support/api-call.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { eventually } from '../support/eventually.ts';
import { JumpClient } from '../support/jump-client.ts';
import { needs, the } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { TerminalUser, WebTerminalClient } from '../support/web-terminal.ts';

interface CommandView {
  readonly command: string;
  readonly exit_status: number | null;
  readonly cwd: string | null;
  readonly source: string;
}

interface AuditView {
  readonly user: { readonly name: string } | null;
  readonly detail: unknown;
}

/** `alice` has the grant that lets marks be put in, `bob` one that does not. */
function setup(machines: ReadonlyMap<string, TestSshd>): string {
  const lines = [...machines].map(
    ([shell, { host, port, login, keyFile }]) => `
  - name: ${shell}1
    host: ${host}
    port: ${port}
    login: ${login}
    auth: { key: { file: ${JSON.stringify(keyFile)} } }
    shell_integration: ${shell}
    record_input: true
    tags: { marks: "yes" }`,
  );
  return `machines:${lines.join('')}
grants:
  - to: { user: alice }
    on: { tag: marks=yes }
    allow: [shell, exec]
    shell_integration: true
  - to: { user: bob }
    on: { tag: marks=yes }
    allow: [shell, exec]
`;
}

needs('ssh', 'sshd', 'bash', 'zsh', 'fish').describe('marks that a policy puts in', () => {
  let stage: Stage;
  let browser: TerminalUser;
  const machines = new Map<string, TestSshd>();

  beforeAll(async () => {
    stage = await openStage();
    for (const shell of MARKED_SHELLS) {
      // As the account's own shell would: what is asked for, or itself; zsh without its first questions.
      const own = `touch ~/.zshrc; exec ${the(shell)} -l`;
      const asked = `case "$SSH_ORIGINAL_COMMAND" in "") ${own};; *) eval "$SSH_ORIGINAL_COMMAND";; esac`;
      machines.set(shell, await startSshd({ more: [`ForceCommand ${asked}`] }));
    }
    await stage.bastion.apply(setup(machines));
    browser = await TerminalUser.of(stage.bastion, 'alice');
  });
  afterAll(async () => {
    for (const machine of machines.values()) await machine[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  async function ids(): Promise<readonly string[]> {
    return (await stage.bastion.sessions('status=all&limit=100')).map(({ id }) => id);
  }

  /** The session that has begun since: nobody else begins one here. */
  async function begun(before: readonly string[]): Promise<string> {
    return await eventually('its session', async () =>
      (await ids()).find((id) => !before.includes(id)),
    );
  }

  async function marked(session: string): Promise<readonly AuditView[]> {
    const answer = await stage.bastion.api(`audit?type=channel.marked&session_id=${session}`);
    return (dataOf(answer) as { events: readonly AuditView[] }).events;
  }

  async function commands(id: string): Promise<readonly CommandView[]> {
    const data = dataOf(await stage.bastion.api(`sessions/${id}/commands?limit=100`));
    return (data as { commands: readonly CommandView[] }).commands;
  }

  const word = (shell: string) =>
    `postern: shell integration (${shell}) is put in by the policy of ${shell}1\r\n`;

  test.each(MARKED_SHELLS)('make the commands of %s exact, in front of its user', async (shell) => {
    const before = await ids();
    await using screen = stage.alice.terminal(`alice+${shell}1`, null, { cols: 100, rows: 40 });
    await screen.until('a marked prompt', () => screen.raw.includes('\x1b]133;B'));
    const typed = screen.raw.indexOf(`${shell.toUpperCase()}_VERSION`);
    expect(typed).toBeGreaterThan(0);
    expect(screen.raw.slice(0, typed)).toContain(word(shell));
    const id = await begun(before);
    screen.type('cd /tmp\r');
    await screen.until('its end', () => screen.raw.includes('\x1b]133;D;0\x07'));
    screen.type('sh -c "exit 3"\r');
    await screen.until('its end', () => screen.raw.includes('\x1b]133;D;3\x07'));
    await eventually('both are read', async () => {
      const found = await commands(id);
      const has = (command: string, status: number, cwd: RegExp): boolean =>
        found.some(
          (one) =>
            one.command === command &&
            one.source === 'osc133' &&
            one.exit_status === status &&
            cwd.test(one.cwd ?? ''),
        );
      return has('cd /tmp', 0, /./) && has('sh -c "exit 3"', 3, /^\/tmp$/);
    });
    await eventually('the audit has it', async () => (await marked(id)).length === 1);
    expect((await marked(id))[0]?.detail).toEqual({ channel: 1, shell });
    screen.type('exit 0\r');
    expect(await screen.exited()).toBe(0);
  });

  test('are no input of the user, where what is typed is recorded', async () => {
    const before = await ids();
    await using screen = stage.alice.terminal('alice+bash1', null, { cols: 100, rows: 40 });
    await screen.until('a marked prompt', () => screen.raw.includes('\x1b]133;B'));
    const id = await begun(before);
    const typed = ['echo mi""ne\r', 'exit 0\r'];
    screen.type(typed[0] ?? '');
    await screen.shows(/^mine$/m);
    screen.type(typed[1] ?? '');
    expect(await screen.exited()).toBe(0);
    const state = async () => (await stage.bastion.session(id)).recordings?.[0]?.state;
    await eventually('it is whole', async () => (await state()) === 'complete');
    const { text } = await stage.bastion.api(`sessions/${id}/recording`);
    const { events } = checkAsciicast(text);
    const of = (kind: string) => events.filter(({ code }) => code === kind).map(({ data }) => data);
    expect(of('o').join('')).toContain('BASH_VERSION');
    for (const line of of('i')) expect(typed).toContain(line);
    // What its echo came too late for is counted: of the line that was put in nothing is.
    const counted = of('m').flatMap((mark) => /(\d+) typed/.exec(mark)?.[1] ?? []);
    const withheld = counted.reduce((sum, count) => sum + Number(count), 0);
    expect(of('i').join('').length + withheld).toBe(typed.join('').length);
  });

  test('are not there without a grant that says so', async () => {
    const before = await ids();
    await using screen = stage.bob.terminal('bob+bash1', null, { cols: 100, rows: 40 });
    await screen.until('a prompt', () => screen.text !== '');
    const id = await begun(before);
    screen.type('echo do""ne\r');
    await screen.shows(/^done$/m);
    screen.type('exit 0\r');
    expect(await screen.exited()).toBe(0);
    expect(screen.raw).not.toContain('postern:');
    expect(screen.raw).not.toContain('BASH_VERSION');
    expect(screen.raw).not.toContain('\x1b]133');
    await eventually('it has ended', async () => {
      const { status } = await stage.bastion.session(id);
      return status !== 'pending' && status !== 'active';
    });
    expect(await marked(id)).toEqual([]);
  });

  test('are put in from the menu and through ssh -J too', async () => {
    await using chosen = stage.alice.terminal('alice', null, { cols: 100, rows: 40 });
    await chosen.shows(/web1/);
    chosen.type('fish1\r');
    await chosen.until('a marked prompt', () => chosen.raw.includes('\x1b]133;B'));
    expect(chosen.raw).toContain(word('fish'));
    const known = await stage.bastion.cli('machine', 'known-hosts');
    const jump = new JumpClient(stage.alice, stage.bastion.ssh, known.stdout.toString());
    await using inner = jump.terminal('alice', `${stage.sshd.login}@bash1`);
    await inner.until('a marked prompt', () => inner.raw.includes('\x1b]133;B'));
    expect(inner.raw).toContain(word('bash'));
  });

  test('are put into the terminal of a browser too', async () => {
    using client = await WebTerminalClient.of(await browser.make('zsh1'));
    await client.shows('\x1b]133;B');
    const typed = client.text.indexOf('ZSH_VERSION');
    expect(client.text.slice(0, typed)).toContain(word('zsh'));
  });

  test('are nothing that a command reads, nor a shell without a terminal', async () => {
    await using screen = stage.alice.terminal('alice+bash1', 'echo ask; read -r x; echo "got=$x"', {
      cols: 100,
    });
    await screen.shows(/^ask$/m);
    screen.type('mine\r');
    await screen.shows(/^got=mine$/m);
    expect(await screen.exited()).toBe(0);
    const input = 'echo pl""ain\n';
    const plain = await stage.alice.ssh('alice+bash1', null, { more: ['-T'], input });
    expect(plain.stdout.toString()).toContain('plain\n');
    expect(plain.stdout.toString()).not.toContain('133;');
    expect(plain.stderr).not.toContain('shell integration');
  });
});
