import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { MAIN } from '../support/bastion.ts';
import { type OpenPage, openPage } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { type Finished, run } from '../support/run.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';
import { Watcher } from '../support/watcher.ts';

const SECRET = ['ghp', '_', 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6'].join('');
const STARS = '*'.repeat(SECRET.length);

const squeezed = (text: string): string => text.replace(/\s+/g, '');

needs('ssh', 'sshd', 'chromium').describe('what is secret in recordings', () => {
  let stage: Stage;
  let opened: OpenPage;
  let shell: string;
  let exec: string;
  let tokens: { readonly admin: string; readonly auditor: string; readonly user: string };

  beforeAll(async () => {
    stage = await openStage();
    opened = await openPage();
    const { bastion } = stage;
    const found = dataOf(await bastion.api('users?search=alice'));
    const [{ id } = { id: '' }] = (found as { users: readonly { id: string }[] }).users;
    tokens = {
      admin: bastion.token,
      auditor: await newToken({ scopes: ['sessions:read', 'recordings:read', 'audit:read'] }),
      user: await newToken({ scopes: ['sessions:read', 'recordings:read'], user_id: id }),
    };
    shell = await typedSession();
    const said = `echo ${[...SECRET].reverse().join('')} | rev`;
    const split = `${said} | head -c 9; sleep 0.2; ${said} | tail -c +10`;
    const command = `${split}; echo token=${SECRET} >&2`;
    expect(await stage.alice.ssh('alice+web1', command)).toMatchObject({ status: 0 });
    exec = (await bastion.lastEnded()).id;
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  async function newToken(body: Readonly<Record<string, unknown>>): Promise<string> {
    const made = await stage.bastion.api('tokens', {
      method: 'POST',
      body: { name: 't', ...body },
    });
    const created = made.body?.data as { readonly token: string } | undefined;
    if (created === undefined) throw new Error(made.text);
    return created.token;
  }

  /** A secret that readline wraps at the edge, with a mistake taken back, and that a program prints in colours. */
  async function typedSession(): Promise<string> {
    await using screen = stage.alice.terminal('alice+web1', null, { cols: 40, rows: 10 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type("PS1='$ '; bind 'set enable-bracketed-paste off'; clear\r");
    await screen.until('a clean screen', () => screen.text === '$');
    screen.type(`echo ${SECRET.slice(0, 20)}`);
    await screen.shows(SECRET.slice(0, 20));
    screen.type('x\u007f');
    screen.type(`${SECRET.slice(20)} done\r`);
    await screen.until('its echo', () => squeezed(screen.text).includes(`${SECRET}done$`));
    // What is typed has no piece of it that somebody could read.
    screen.type(`x=$(echo ${[...SECRET].reverse().join('')} | rev); clear\r`);
    await screen.until('a clean screen', () => screen.text === '$');
    screen.type(
      "printf '\\033[31m%s\\033[32m%s\\033[0m se''en\\n' $(echo $x | cut -c1-9) $(echo $x | cut -c10-)\r",
    );
    await screen.shows('seen');
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
    return (await stage.bastion.lastEnded()).id;
  }

  const cli = (who: keyof typeof tokens, ...args: readonly string[]): Promise<Finished> =>
    run(process.execPath, [MAIN, ...args], {
      env: { POSTERN_URL: stage.bastion.url, POSTERN_TOKEN: tokens[who] },
    });

  const paths = () => [
    `sessions/${shell}/recording`,
    `sessions/${shell}/recording?format=v2`,
    `sessions/${shell}/logs?format=text`,
    `sessions/${exec}/recording`,
    `sessions/${exec}/logs`,
    `sessions/${exec}`,
  ];

  test('is there for an admin, and for nobody else, over the API', async () => {
    for (const path of paths()) {
      const open = await stage.bastion.api(path);
      expect(open.text).toContain(SECRET.slice(9, 29));
      for (const token of [tokens.auditor, tokens.user]) {
        const hidden = await stage.bastion.api(path, { token });
        expect(hidden.status).toBe(200);
        expect(hidden.text).not.toContain(SECRET.slice(9, 29));
        expect(hidden.text).toContain('*'.repeat(9));
      }
    }
  });

  test('is as good as never there on the command line', async () => {
    const file = stage.alice.path('copy.cast');
    expect(await cli('user', 'recording', 'export', shell, '-o', file)).toMatchObject({
      status: 0,
    });
    const copy = readFileSync(file, 'utf8');
    expect(copy).toContain('"redacted":"');
    expect(copy).not.toContain(SECRET.slice(9, 29));
    const played = await cli('auditor', 'session', 'play', exec, '--speed', '1000');
    expect(played.stdout.toString()).toContain(STARS);
    expect((await cli('user', 'session', 'logs', exec)).stdout.toString()).toContain(STARS);
    const open = await cli('admin', 'session', 'logs', exec);
    expect(open.stdout.toString()).toContain(SECRET);
    const asOthers = await cli('admin', 'session', 'logs', exec, '--redact');
    expect(asOthers.stdout.toString()).not.toContain(SECRET);
  });

  test('leaves the original sealed, which is for admins', async () => {
    expect(await cli('admin', 'recording', 'verify', shell)).toMatchObject({ status: 0 });
    const refused = await cli('auditor', 'recording', 'verify', shell);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('recordings:raw');
  });

  test('is not on the screen of the console, and what is around it is', async () => {
    const { page, problems } = opened;
    const { url } = stage.bastion;
    await page.goto(url);
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Sessions' }).waitFor();
    await page.goto(`${url}/sessions/${shell.replace('sess_', '')}`);
    const terminal = page.locator('.ap-term');
    await terminal.waitFor();
    await page.locator('.ap-player').click();
    const seen = async () => squeezed(await terminal.innerText());
    await expect.poll(seen, { timeout: 30_000 }).toContain(`${STARS}seen`);
    expect(await seen()).not.toContain(SECRET.slice(9, 29));
    await page.goto(`${url}/sessions/${exec.replace('sess_', '')}`);
    await page.getByText('Command:').waitFor();
    expect(await page.content()).not.toContain(SECRET.slice(9, 29));
    expect(problems).toEqual([]);
  });

  test('is not on the screen of who follows a session that runs', async () => {
    const { bastion } = stage;
    await using screen = stage.alice.terminal('alice+web1', null, { cols: 90, rows: 20 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type("PS1='$ '; bind 'set enable-bracketed-paste off'; clear\r");
    await screen.until('a clean screen', () => screen.text === '$');
    const { id } = await eventually('its session is active', async () => {
      const [newest] = await bastion.sessions('status=active&limit=1');
      return newest;
    });
    const follow = (who: keyof typeof tokens): Watcher =>
      new Watcher(`${bastion.url}/v1/sessions/${id}/live`, {
        authorization: `Bearer ${tokens[who]}`,
      });
    using admin = follow('admin');
    using auditor = follow('auditor');
    using user = follow('user');
    await user.shows('$');
    const { page } = opened;
    await page.goto(`${bastion.url}/sessions/${id.replace('sess_', '')}`);
    await page.getByRole('heading', { name: 'Live' }).waitFor();
    const env = { POSTERN_URL: bastion.url, POSTERN_TOKEN: tokens.user };
    const watched = run(process.execPath, [MAIN, 'session', 'watch', id], { env });
    await eventually('all five look', async () => {
      const { events } = dataOf(await bastion.api('audit?type=recording.viewed&limit=100')) as {
        readonly events: readonly { readonly detail: { readonly live?: boolean } }[];
      };
      return events.filter(({ detail }) => detail.live === true).length === 5;
    });
    for (const letter of `echo ${SECRET}`) screen.type(letter);
    screen.type('\r');
    await admin.shows(SECRET);
    screen.type('echo all of it\r');
    for (const viewer of [auditor, user]) await viewer.shows('\nall of it');
    const terminal = page.locator('.ap-term');
    await expect
      .poll(async () => squeezed(await terminal.innerText()), { timeout: 30_000 })
      .toContain(`${STARS}$echoallofitallofit`);
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
    const lines = (await watched).stdout.toString();
    expect(lines).toContain('all of it');
    const frames = [...auditor.frames, ...user.frames];
    const seen = `${lines}${frames.map((one) => ('text' in one ? one.text : '')).join('')}`;
    expect(seen).toContain(STARS);
    expect(seen).not.toMatch(/aB3|9jK2|hI6/);
    expect(opened.problems).toEqual([]);
  });
});
