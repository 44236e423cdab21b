import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenPage, openPage } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';

/** Lines of 12 bytes: 8 MB. */
const LINES = 650_000;

needs('ssh', 'sshd', 'chromium').describe('the replay of a long session', () => {
  let stage: Stage;
  let opened: OpenPage;
  let number: string;
  beforeAll(async () => {
    stage = await openStage();
    const command = `seq -f "line %.0f" ${LINES}; sleep 1; echo the end`;
    const { status } = await stage.alice.ssh('alice+web1', command);
    expect(status).toBe(0);
    number = (await stage.bastion.lastEnded()).id.replace('sess_', '');
    opened = await openPage();
    const { page } = opened;
    await page.goto(stage.bastion.url);
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Sessions' }).waitFor();
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  const sidecar = (): string => {
    const root = `${stage.bastion.dataDir}/recordings`;
    const name = readdirSync(root, { recursive: true, encoding: 'utf8' }).find((file) =>
      file.endsWith('.replay-redacted'),
    );
    if (name === undefined) throw new Error('there is no index');
    return `${root}/${name}`;
  };
  const screen = (page: Page) => page.locator('.ap-term').innerText();
  const open = async (query: string, shown = /line|the end/): Promise<string[]> => {
    const paths: string[] = [];
    const listen = (request: { url(): string }) => paths.push(new URL(request.url()).pathname);
    opened.page.on('request', listen);
    await opened.page.goto(`${stage.bastion.url}/sessions/${number}${query}`);
    await opened.page.locator('.ap-term').waitFor();
    await expect.poll(() => screen(opened.page), { timeout: 15_000 }).toMatch(shown);
    opened.page.off('request', listen);
    return paths;
  };

  test('is by segments: an index, and those that are looked at', async () => {
    const paths = await open('');
    expect(paths).toContain(`/sessions/${number}/replay/1/index`);
    expect(paths).not.toContain(`/sessions/${number}/recording`);
    expect(
      paths.filter((path) => /\/replay\/1\/[0-9a-f]{32}\/\d+$/.test(path)).length,
    ).toBeLessThan(4);
    expect(await opened.page.locator('#replay-note').isHidden()).toBe(true);
    expect(opened.problems).toEqual([]);
    const viewed = (await stage.bastion.audit()).filter((type) => type === 'recording.viewed');
    expect(viewed).toHaveLength(1);
  });

  test('begins where the address says, and puts there where it was stopped', async () => {
    await open('?t=999999');
    await expect.poll(() => screen(opened.page), { timeout: 5000 }).toContain('the end');
    // Nothing has been written as yet, perhaps.
    await open('?t=0.1', /^/);
    const player = opened.page.locator('.ap-player');
    await player.click();
    await expect.poll(() => screen(opened.page), { timeout: 15_000 }).toContain('line');
    await player.click();
    const t = () => new URL(opened.page.url()).searchParams.get('t');
    await expect.poll(t, { timeout: 15_000 }).not.toBe('0.1');
    expect(opened.problems).toEqual([]);
  });

  test('is there when its index is damaged, or not there', async () => {
    writeFileSync(sidecar(), randomBytes(5000));
    await open('');
    rmSync(sidecar());
    const paths = await open('?t=999999');
    expect(paths).toContain(`/sessions/${number}/replay/1/index`);
    expect(opened.problems).toEqual([]);
  });

  test('is for those alone who may see it', async () => {
    const { page } = opened;
    const paths = await open('');
    const segment = paths.find((path) => /\/\d+$/.test(path) && path.includes('/replay/1/')) ?? '';
    expect((await page.request.get(`${stage.bastion.url}${segment}`)).status()).toBe(200);
    for (const path of [
      segment,
      `/sessions/${number}/replay/1/index`,
      `/sessions/${number}/replay/1`,
    ]) {
      const answer = await fetch(`${stage.bastion.url}${path}`, { redirect: 'manual' });
      expect(answer.status).toBe(303);
    }
    await eventually('the index is there', () => Promise.resolve(sidecar()));
  });
});
