import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { openPage } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';

interface CommandView {
  readonly command: string;
  readonly start: number;
  readonly end: number | null;
  readonly exit_status: number | null;
  readonly source: string;
}

needs('ssh', 'sshd', 'bash', 'chromium').describe('what was done in a session', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  async function commands(id: string): Promise<readonly CommandView[]> {
    const data = dataOf(await stage.bastion.api(`sessions/${id}/commands?limit=100`));
    return (data as { commands: readonly CommandView[] }).commands;
  }

  async function ids(): Promise<readonly string[]> {
    return (await stage.bastion.sessions('status=all&limit=100')).map(({ id }) => id);
  }

  /** The session that has begun since: nobody else begins one here. */
  async function begun(before: readonly string[]): Promise<string> {
    return await eventually('its session', async () =>
      (await ids()).find((id) => !before.includes(id)),
    );
  }

  /** When all of its recordings are sealed, noted and read. */
  async function read(id: string): Promise<void> {
    await eventually('it has been read to its end', async () => {
      const data = dataOf(await stage.bastion.api(`sessions/${id}`));
      const { recordings } = data as { readonly recordings: readonly { readonly state: string }[] };
      const answer = dataOf(await stage.bastion.api(`sessions/${id}/commands`));
      const { analyses } = answer as { readonly analyses: readonly { readonly state: string }[] };
      const isSealed =
        recordings.length > 0 && recordings.every(({ state }) => state === 'complete');
      return isSealed && analyses.length > 0 && analyses.every(({ state }) => state === 'done');
    });
  }

  const texts = async (id: string) => (await commands(id)).map(({ command }) => command);

  test('is listed while it goes on, as the shell took it, and nothing that was typed blind', async () => {
    const before = await ids();
    await using screen = stage.alice.terminal('alice+web1', null, { cols: 60, rows: 20 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type("PS1='me@here:\\w$ '; clear\r");
    await screen.until('a clean screen', () => /^me@here:\S+\$$/.test(screen.text));
    const id = await begun(before);
    /** What is typed before its prompt is there may be shown twice. */
    const prompt = (shown: RegExp) =>
      screen.until('the prompt', () =>
        new RegExp(`${shown.source}\\nme@here:\\S+\\$$`).test(screen.text),
      );
    screen.type('echo wrnog\u007f\u007f\u007f\u007frong to right\r');
    await prompt(/\nwrong to right/);
    screen.type('stty -echo; echo asked; read -r secret; stty echo; echo "has $' + '{#secret}"\r');
    // Typed earlier, it would be shown by the kernel.
    await screen.until('it is asked for', () => screen.text.endsWith('\nasked'));
    screen.type('kept-to-myself\r');
    await prompt(/has 14/);
    screen.type('cd /; pwd\r');
    await prompt(/\n\//);
    await eventually('all of it is there', async () => {
      const found = await commands(id);
      return found.at(-1)?.command === 'cd /; pwd' && found.at(-1)?.end !== null;
    });
    expect((await texts(id)).slice(-3)).toEqual([
      'echo wrong to right',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      'stty -echo; echo asked; read -r secret; stty echo; echo "has ${#secret}"',
      'cd /; pwd',
    ]);
    const shown = await stage.bastion.api(`sessions/${id}`);
    const count = (dataOf(shown) as { commands_count: number }).commands_count;
    expect(count).toBe((await texts(id)).length);
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
    await read(id);
    const found = await commands(id);
    const again = await stage.bastion.cli('recording', 'reindex', id);
    expect(again.stdout.toString()).toContain('read again: 1');
    await read(id);
    expect(await commands(id)).toEqual(found);
    const { text } = await stage.bastion.api(`sessions/${id}/transcript`);
    expect(text).toContain('wrong to right\n');
    expect(text).not.toContain('kept-to-myself');
  });

  test('is one command with its status for each command channel', async () => {
    const before = await ids();
    await stage.alice.ssh('alice+web1', 'echo out; echo err >&2; exit 7');
    const id = await begun(before);
    await eventually('it is read', async () => (await commands(id))[0]?.exit_status === 7);
    expect(await commands(id)).toMatchObject([
      { command: 'echo out; echo err >&2; exit 7', source: 'exec', start: 0 },
    ]);
  });

  test('has marks where the shell sends them', async () => {
    const before = await ids();
    await using screen = stage.alice.terminal('alice+web1', null, { cols: 80, rows: 20 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type(
      "PS0='\\[\\e]133;C\\a\\]'; PROMPT_COMMAND='printf \"\\e]133;D;%s\\a\" $?'; PS1='\\[\\e]133;A\\a\\]> \\[\\e]133;B\\a\\]'; clear\r",
    );
    await screen.until('a clean screen', () => screen.text === '>');
    const id = await begun(before);
    screen.type('(exit 5)\r');
    await eventually('its status is there', async () => {
      const found = (await commands(id)).find(({ command }) => command === '(exit 5)');
      return found?.exit_status === 5 && found.source === 'osc133';
    });
    screen.type('exit\r');
    await screen.exited();
  });

  test('leads the player to its second', async () => {
    const before = await ids();
    await using screen = stage.alice.terminal('alice+web1', null, { cols: 80, rows: 20 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type("PS1='there$ '; clear\r");
    await screen.until('a clean screen', () => screen.text === 'there$');
    for (const [at, command] of ['echo one', 'sleep 1.5', 'echo the last of all'].entries()) {
      screen.type(`${command}\r`);
      await screen.until('the prompt', () => screen.text.split('there$').length === at + 3);
    }
    screen.type('exit\r');
    await screen.exited();
    const id = await begun(before);
    await read(id);
    const last = (await commands(id)).find(({ command }) => command === 'echo the last of all');
    await using opened = await openPage();
    const { page } = opened;
    await page.goto(`${stage.bastion.url}/sessions/${id.slice('sess_'.length)}`);
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    const row = page.locator('#commands tr', { hasText: 'echo the last of all' });
    await row.waitFor();
    await page.locator('.ap-player').waitFor();
    await row.locator('a').click();
    const wanted = Math.max(0, (last?.start ?? 0) - 1).toFixed(1);
    await eventually('the player is there', () => page.url().includes(`t=${wanted}`));
  });
});
