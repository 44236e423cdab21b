import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkAsciicast } from '../support/asciicast.ts';
import { type OpenPage, openPage } from '../support/chromium.ts';
import { environment } from '../support/environment.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';

const WRITES_PICTURE = environment.get('POSTERN_WRITE_SCREENSHOT') === '1';
const PICTURE = resolve(import.meta.dirname, '../../docs/replay.png');

/** What a person sees, whatever the spans that it is made of. */
const squeezed = (text: string): string => text.replace(/\s+/g, '');

/** A session with colours, wide characters and a resize; what the user's terminal showed at its end. */
async function playedSession(stage: Stage): Promise<string> {
  await using screen = stage.alice.terminal('alice+web1', null, { cols: 90, rows: 20 });
  await screen.until('a prompt', () => screen.text !== '');
  screen.type(
    "PS1='\\[\\e[1;32m\\]web1\\[\\e[0m\\] $ '; bind 'set enable-bracketed-paste off'; clear\r",
  );
  await screen.until('a clean screen', () => screen.text === 'web1 $');
  const enter = async (command: string, shown: string | RegExp): Promise<void> => {
    screen.type(`${command}\r`);
    await screen.shows(shown);
    await screen.until('the prompt', () => screen.rows.findLast((row) => row !== '') === 'web1 $');
  };
  await enter('uname --kernel-name --machine', 'Linux');
  await enter('ls --color=always -C /usr', 'share');
  await enter('printf "\\346\\274\\242\\345\\255\\227 caf\\303\\251\\n"', '漢字 café');
  // No font of Debian's that the picture is made with has it.
  if (!WRITES_PICTURE) await enter('printf "\\360\\237\\232\\252\\n"', '🚪');
  const { bastion } = stage;
  const [session] = await bastion.sessions();
  screen.resize(104, 26);
  // The client tells of it when it comes to it, which may be after the next keystroke.
  await eventually('the new size has gone through', async () =>
    (await bastion.api(`sessions/${session?.id}/recording`)).text.includes('"104x26"'),
  );
  await enter('stty size', '26 104');
  await enter(
    'printf "\\033[7m %-60s \\033[0m\\n" "a postern is the small gate in a fortress wall"',
    /small gate in a fortress wall$/m,
  );
  screen.type('exit\r');
  expect(await screen.exited()).toBe(0);
  expect(screen.text).toContain('漢字');
  return screen.rows.join('\n');
}

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('User name').fill('alice');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Sessions' }).waitFor();
}

needs('ssh', 'sshd', 'chromium').describe('the replay of a session in a browser', () => {
  let stage: Stage;
  let opened: OpenPage;
  beforeAll(async () => {
    stage = await openStage();
    opened = await openPage();
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  test('shows the text that the user saw, to the last character', async () => {
    const { page, problems, origins } = opened;
    const seen = await playedSession(stage);
    const { id } = await stage.bastion.lastEnded();
    const cast = await stage.bastion.api(`sessions/${id}/recording`);
    const checked = checkAsciicast(cast.text);
    expect(checked).toMatchObject({ version: 3, cols: 90, rows: 20, exitStatus: 0 });
    expect(checked.events.filter(({ code }) => code === 'r').map(({ data }) => data)).toEqual([
      '104x26',
    ]);

    await signIn(page, stage.bastion.url);
    await page.goto(`${stage.bastion.url}/sessions/${id.replace('sess_', '')}`);
    const terminal = page.locator('.ap-term');
    await terminal.waitFor();
    await page.locator('.ap-player').click();
    await expect
      .poll(async () => squeezed(await terminal.innerText()), { timeout: 30_000, interval: 100 })
      .toBe(squeezed(seen));
    if (WRITES_PICTURE) {
      await page.locator('.ap-player').hover();
      await page.screenshot({ path: PICTURE, fullPage: true });
    }
    expect(problems).toEqual([]);
    expect([...origins]).toEqual([stage.bastion.url]);
  });

  test('is under a policy that lets nothing in from elsewhere', async () => {
    const { id } = await stage.bastion.lastEnded();
    const answer = await opened.page.goto(
      `${stage.bastion.url}/sessions/${id.replace('sess_', '')}`,
    );
    const policy = answer?.headers()['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
    expect(policy).not.toMatch(/unsafe-inline|https?:|\*/);
    expect(opened.problems).toEqual([]);
  });

  test('is for those alone who have signed in, and may see it', async () => {
    const { id } = await stage.bastion.lastEnded();
    const number = id.replace('sess_', '');
    for (const path of [`/sessions/${number}`, `/sessions/${number}/recording?channel=1`]) {
      const answer = await stage.bastion.api(path, { token: null });
      expect(answer.status).not.toBe(200);
      expect(answer.text).not.toContain('fortress');
    }
  });
});
