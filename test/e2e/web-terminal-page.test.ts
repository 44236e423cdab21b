import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPage } from '../support/chromium.ts';
import { environment } from '../support/environment.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';

const WRITES_PICTURE = environment.get('POSTERN_WRITE_SCREENSHOT') === '1';
const PICTURE = resolve(import.meta.dirname, '../../docs/web-terminal.png');

needs('ssh', 'sshd', 'chromium').describe("the console's terminal", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  async function signIn(page: Page): Promise<void> {
    await page.goto(`${stage.bastion.url}/terminal`);
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Terminal' }).waitFor();
  }

  test('is typed in, shows colours, fits its window, and ends with its shell', async () => {
    await using opened = await openPage();
    const { page, problems, origins } = opened;
    await signIn(page);
    await page.getByRole('button', { name: 'Connect to web1' }).click();
    const terminal = page.locator('#terminal');
    const shows = (what: string | RegExp) =>
      eventually(`the page shows ${what}`, async () => {
        const text = (await terminal.innerText()).replaceAll('\u00a0', ' ');
        return typeof what === 'string' ? text.includes(what) : what.test(text);
      });
    await page.getByText('Connected').waitFor();
    const type = async (text: string): Promise<void> => {
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
    };
    await type("PS1='$ '; bind 'set enable-bracketed-paste off'; clear; echo rea''dy");
    await shows('ready');
    await type("printf '\\033[31mred \\033[1;44mblue\\033[0m \\346\\274\\242\\n'; stty size");
    await shows('red blue 漢');
    const red = page.locator('#terminal span', { hasText: /^red $/ });
    expect(await red.evaluate((span) => span.style.color)).toBe('rgb(204, 0, 0)');
    await shows(/\b[1-9]\d \d{2,3}\b/);
    await page.setViewportSize({ width: 700, height: 500 });
    await type("clear; until stty size | grep ' [5-9][0-9]$'; do sleep 0.1; done; echo nar''row");
    await shows('narrow');
    await page.setViewportSize({ width: 1280, height: 800 });
    await type('ls --color=always -C /usr; echo mark | cat');
    await shows('mark');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Control+c');
    if (WRITES_PICTURE) await page.screenshot({ path: PICTURE });
    await type('clear; exit 3');
    await page.getByText('The session has ended, with status 3.').waitFor();
    const ended = await stage.bastion.lastEnded();
    expect(ended).toMatchObject({ kind: 'web', end_reason: 'client_closed', exit_status: 3 });
    await page.getByRole('link', { name: 'This session' }).click();
    await page.getByRole('heading', { name: 'Replay' }).waitFor();
    expect(problems).toEqual([]);
    expect([...origins]).toEqual([stage.bastion.url]);
  });

  test('ends its session when the page is left', async () => {
    await using opened = await openPage();
    const { page } = opened;
    await signIn(page);
    await page.getByRole('button', { name: 'Connect to shell1' }).click();
    await page.getByText('Connected').waitFor();
    await page.goto(`${stage.bastion.url}/`);
    const ended = await stage.bastion.lastEnded();
    expect(ended).toMatchObject({ kind: 'web', end_reason: 'client_closed' });
  });
});
