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

  const texts = async (id: string) => (await commands(id)).map(({ command }) => command);

  test('is listed while it goes on, as the shell took it, and nothing that was typed blind', async () => {
    await using screen = stage.alice.terminal('alice+web1', null, { cols: 60, rows: 20 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type("PS1='me@here:\\w$ '; clear\r");
    await screen.until('a clean screen', () => /^me@here:\S+\$$/.test(screen.text));
    const { id } = await eventually('its session is active', async () => {
      const [newest] = await stage.bastion.sessions('status=active&limit=1');
      return newest;
    });
    screen.type('echo wrnog\u007f\u007f\u007f\u007frong to right\r');
    await screen.shows('\nwrong to right\n');
    screen.type('read -r -s secret; echo "has $' + '{#secret}"\r');
    await eventually('it is asked for', async () =>
      (await texts(id)).some((text) => text.startsWith('read ')),
    );
    screen.type('kept-to-myself\r');
    await screen.shows('has 14');
    screen.type('cd /; pwd\r');
    await screen.shows('me@here:/$');
    await eventually('all of it is there', async () => {
      const found = await commands(id);
      return found.at(-1)?.command === 'cd /; pwd' && found.at(-1)?.end !== null;
    });
    expect((await texts(id)).slice(-3)).toEqual([
      'echo wrong to right',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      'read -r -s secret; echo "has ${#secret}"',
      'cd /; pwd',
    ]);
    const shown = await stage.bastion.api(`sessions/${id}`);
    const count = (dataOf(shown) as { commands_count: number }).commands_count;
    expect(count).toBe((await texts(id)).length);
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
    await eventually('it has been read to its end', async () => {
      const data = dataOf(await stage.bastion.api(`sessions/${id}/commands`));
      return (data as { analyses: { state: string }[] }).analyses[0]?.state === 'done';
    });
    const before = await commands(id);
    const again = await stage.bastion.cli('recording', 'reindex', id);
    expect(again.stdout.toString()).toContain('read again: 1');
    await eventually('it is read again', async () => {
      const found = await commands(id);
      return JSON.stringify(found) === JSON.stringify(before);
    });
    const { text } = await stage.bastion.api(`sessions/${id}/transcript`);
    expect(text).toContain('wrong to right\n');
    expect(text).not.toContain('kept-to-myself');
  });

  test('is one command with its status for each command channel', async () => {
    await stage.alice.ssh('alice+web1', 'echo out; echo err >&2; exit 7');
    const { id } = await stage.bastion.lastEnded();
    await eventually('it is read', async () => (await commands(id))[0]?.exit_status === 7);
    expect(await commands(id)).toMatchObject([
      { command: 'echo out; echo err >&2; exit 7', source: 'exec', start: 0 },
    ]);
  });

  test('has marks where the shell sends them', async () => {
    await using screen = stage.alice.terminal('alice+web1', null, { cols: 80, rows: 20 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type(
      "PS0='\\[\\e]133;C\\a\\]'; PROMPT_COMMAND='printf \"\\e]133;D;%s\\a\" $?'; PS1='\\[\\e]133;A\\a\\]> \\[\\e]133;B\\a\\]'; clear\r",
    );
    await screen.until('a clean screen', () => screen.text === '>');
    const { id } = await eventually('its session is active', async () => {
      const [newest] = await stage.bastion.sessions('status=active&limit=1');
      return newest;
    });
    screen.type('(exit 5)\r');
    await eventually('its status is there', async () => {
      const found = (await commands(id)).find(({ command }) => command === '(exit 5)');
      return found?.exit_status === 5 && found.source === 'osc133';
    });
    screen.type('exit\r');
    await screen.exited();
  });

  test('leads the player to its second', async () => {
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
    const { id } = await stage.bastion.lastEnded();
    await eventually('it is read', async () => (await texts(id)).includes('echo the last of all'));
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
