import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { type OpenPage, openPage } from '../support/chromium.ts';
import { environment } from '../support/environment.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import type { Screen } from '../support/screen.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';
import { Watcher } from '../support/watcher.ts';

const WRITES_PICTURE = environment.get('POSTERN_WRITE_SCREENSHOT') === '1';
const PICTURE = resolve(import.meta.dirname, '../../docs/live.png');

const squeezed = (text: string): string => text.replace(/\s+/g, '');

needs('ssh', 'sshd', 'chromium').describe('following a session that runs', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  /** A shell with a short prompt, and the session's id. */
  async function shell(): Promise<{ screen: Screen; id: string }> {
    const screen = stage.alice.terminal('alice+web1', null, { cols: 90, rows: 20 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type("PS1='$ '; bind 'set enable-bracketed-paste off'; clear\r");
    await screen.until('a clean screen', () => screen.text === '$');
    const session = await eventually('its session is active', async () => {
      const [newest] = await stage.bastion.sessions('status=active&limit=1');
      return newest;
    });
    return { screen, id: session.id };
  }

  const watch = (id: string, headers: Record<string, string> = {}): Watcher =>
    new Watcher(`${stage.bastion.url}/v1/sessions/${id}/live`, {
      authorization: `Bearer ${stage.bastion.token}`,
      ...headers,
    });

  async function tokenOf(user: string): Promise<{ id: string; secret: string }> {
    const found = dataOf(await stage.bastion.api(`users?search=${user}`));
    const [{ id: user_id } = { id: '' }] = (found as { users: readonly { id: string }[] }).users;
    const body = { name: `live of ${user}`, scopes: ['sessions:read', 'recordings:read'], user_id };
    const made = await stage.bastion.api('tokens', { method: 'POST', body });
    const created = made.body?.data as { id: string; token: string } | undefined;
    if (created === undefined) throw new Error(made.text);
    return { id: created.id, secret: created.token };
  }

  test('who follows as many as one may leaves room for others', async () => {
    const { screen, id } = await shell();
    await using _ = screen;
    const { secret } = await tokenOf('alice');
    using viewers = new DisposableStack();
    const own = (): Watcher => viewers.use(watch(id, { authorization: `Bearer ${secret}` }));
    const mine = Array.from({ length: 20 }, own);
    await Promise.all(mine.map((one) => one.shows('$')));
    const { code, reason } = await within('one too many is closed', own().closed);
    expect([code, reason]).toEqual([1013, expect.stringContaining('at most 20')]);
    await viewers.use(watch(id)).shows('$');
    screen.type('exit\r');
    await screen.exited();
  });

  test('a late viewer has the screen, then all that happens, to the end', async () => {
    const { screen, id } = await shell();
    await using _ = screen;
    screen.type('printf "\\033[31mred \\346\\274\\242\\033[0m\\n"\r');
    await screen.shows('red 漢');
    using viewer = watch(id);
    await viewer.shows('red 漢');
    await eventually(
      'the screens are equal',
      () => viewer.text === screen.rows.join('\n').trimEnd(),
    );
    expect(viewer.frames[0]).toMatchObject({ type: 'reset', cols: 90, rows: 20 });
    screen.type('echo more\r');
    await viewer.shows('\nmore');
    screen.resize(100, 24);
    await eventually('the size is told', () =>
      viewer.frames.some((frame) => frame.type === 'resize' && frame.cols === 100),
    );
    using second = watch(id);
    await second.shows('\nmore');
    expect(second.frames[0]).toMatchObject({ type: 'reset', cols: 100, rows: 24 });
    await eventually('both are equal', () => second.text === viewer.text);
    await eventually(
      'the screens are equal',
      () => viewer.text === screen.rows.join('\n').trimEnd(),
    );
    screen.type('exit 3\r');
    expect(await screen.exited()).toBe(3);
    expect(await within('it closes', viewer.closed)).toEqual({
      code: 1000,
      reason: 'the channel has ended',
    });
    expect(viewer.frames.slice(-2)).toMatchObject([{ type: 'exit', status: 3 }, { type: 'end' }]);
    const audit = dataOf(await stage.bastion.api('audit?type=recording.viewed&limit=2'));
    expect(audit).toMatchObject({ events: [{ detail: { live: true, channel: 1 } }, {}] });
    await stage.bastion.lastEnded();
    using late = watch(id);
    expect(await within('an answer', late.refused)).toMatchObject({ status: 409 });
  });

  test('is for those alone who may see the session, and from no other site', async () => {
    const { screen, id } = await shell();
    await using _ = screen;
    const bob = await tokenOf('bob');
    const status = async (headers: Record<string, string>, wants = id) => {
      using viewer = watch(wants, headers);
      return (await within('an answer', viewer.refused)).status;
    };
    expect(await status({ authorization: 'Bearer nonsense' })).toBe(401);
    expect(await status({ authorization: `Bearer ${bob.secret}` })).toBe(404);
    expect(await status({ origin: 'https://elsewhere.example' })).toBe(403);
    expect(await status({}, 'sess_999999')).toBe(404);
    const signIn = await fetch(`${stage.bastion.url}/signin`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ name: 'alice', password: PASSWORD, next: '/' }),
      redirect: 'manual',
    });
    const [cookie = ''] = (signIn.headers.get('set-cookie') ?? '').split(';');
    const browser = { authorization: '', cookie };
    expect(await status(browser)).toBe(401);
    expect(await status({ ...browser, origin: 'https://elsewhere.example' })).toBe(403);
    expect(await status({ ...browser, 'sec-fetch-site': 'cross-site' })).toBe(403);
    using own = watch(id, { ...browser, origin: stage.bastion.url });
    await own.shows('$');
    const plain = await stage.bastion.api(`sessions/${id}/live`);
    expect(plain).toMatchObject({ status: 426 });
    using raw = new Watcher(
      `${stage.bastion.url}/v1/sessions/${id}/live`,
      { authorization: `Bearer ${stage.bastion.token}` },
      ['raw'],
    );
    expect(await within('an answer', raw.refused)).toMatchObject({ status: 426 });
  });

  test('ends with the access of who follows, within two seconds', async () => {
    const { screen, id } = await shell();
    await using _ = screen;
    const alice = await tokenOf('alice');
    using viewer = watch(id, { authorization: `Bearer ${alice.secret}` });
    await viewer.shows('$');
    const answer = await stage.bastion.api(`tokens/${alice.id}`, { method: 'DELETE' });
    expect(answer).toMatchObject({ status: 200 });
    expect(await within('the socket closes', viewer.closed, 2000)).toMatchObject({ code: 4003 });
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
  });

  test('who does not read costs a bound, and is shown the screen anew', async () => {
    const { screen, id } = await shell();
    await using _ = screen;
    using slow = watch(id);
    await slow.shows('$');
    slow.socket.pause();
    screen.type("yes 'a long line of output' | head -c 24000000; echo; echo over\r");
    await screen.until('all of it', () => screen.rows.includes('over'), 60_000);
    using fast = watch(id);
    await fast.shows('\nover');
    expect(slow.text).not.toContain('over');
    slow.socket.resume();
    await eventually('it is up to date', () => slow.text === fast.text);
    expect(slow.frames.filter(({ type }) => type === 'reset').length).toBeGreaterThan(1);
    const received = slow.frames.reduce(
      (sum, frame) => sum + ('text' in frame ? frame.text.length : 0),
      0,
    );
    // What waits here, and in the kernel's buffers of both sides.
    expect(received).toBeLessThan(16_000_000);
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
  });

  test('postern session watch shows it in a terminal, and leaves that as it was', async () => {
    const { screen, id } = await shell();
    await using _ = screen;
    screen.type('echo "before anybody looked"\r');
    await screen.shows(/^before anybody looked$/m);
    await using seen = stage.bastion.terminal(['session', 'watch', id], { cols: 100, rows: 30 });
    const equal = () => seen.rows.slice(0, 20).join('\n') === screen.rows.join('\n');
    await seen.until('the screen so far', equal);
    screen.type('echo and then\r');
    await seen.until('what happens', () => equal() && seen.text.includes('\nand then'));
    seen.type('q');
    expect(await seen.exited()).toBe(0);
    await using again = stage.bastion.terminal(['session', 'watch', id], { cols: 100, rows: 30 });
    await again.shows('and then');
    const plain = stage.bastion.cli('session', 'watch', id);
    await eventually('two follow it', async () => {
      const audit = dataOf(await stage.bastion.api('audit?type=recording.viewed&limit=3'));
      const { events } = audit as { events: readonly { session_id: string }[] };
      return events.every((event) => event.session_id === id);
    });
    screen.type('echo last words; exit 4\r');
    expect(await screen.exited()).toBe(4);
    expect(await again.exited()).toBe(0);
    expect(again.text).toContain('the channel has ended, with status 4');
    const { status, stdout } = await plain;
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('\nlast words\n');
    expect(stdout.toString()).not.toMatch(/[^\P{Cc}\n\t]/u);
    await stage.bastion.lastEnded();
    expect(await stage.bastion.cli('session', 'watch', id)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is not running, so there is nothing to follow'),
    });
  });

  test('in a browser, under the console policy, and the replay after it', async () => {
    await using opened: OpenPage = await openPage();
    const { page, problems, origins } = opened;
    const { url } = stage.bastion;
    const { screen, id } = await shell();
    await using _ = screen;
    screen.type('echo "before anybody looked"\r');
    await screen.shows(/^before anybody looked$/m);
    await signIn(page, url);
    await page.goto(`${url}/sessions/${id.replace('sess_', '')}`);
    const terminal = page.locator('.ap-term');
    // Both go on: what the client shows is looked at anew each time, too.
    const isTheSame = () =>
      eventually('the browser shows what the client does', async () => {
        return squeezed(await terminal.innerText()) === squeezed(screen.rows.join('\n'));
      });
    await isTheSame();
    screen.type('ls --color=always -C /usr\r');
    await screen.shows('share');
    screen.resize(100, 24);
    // The client tells of it when it comes to it, which may be after the next keystroke.
    await eventually('the new size has gone through', async () =>
      (await stage.bastion.api(`sessions/${id}/recording`)).text.includes('"100x24"'),
    );
    screen.type('stty size\r');
    await screen.shows('24 100');
    await isTheSame();
    if (WRITES_PICTURE) await page.screenshot({ path: PICTURE, fullPage: true });
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
    await stage.bastion.lastEnded();
    await page.getByRole('link', { name: 'Replay it' }).click();
    await page.getByRole('heading', { name: 'Replay' }).waitFor();
    expect(problems).toEqual([]);
    expect([...origins]).toEqual([url]);
  });
});

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('User name').fill('alice');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Sessions' }).waitFor();
}
