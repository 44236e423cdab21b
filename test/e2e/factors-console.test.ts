import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sshAnswering } from '../support/answerer.ts';
import { openPage } from '../support/chromium.ts';
import { codeOf } from '../support/codes.ts';
import { environment } from '../support/environment.ts';
import { needs } from '../support/requirements.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';

/** Where to leave pictures of the pages, for somebody to look at. */
const PICTURES = environment.get('POSTERN_TEST_PICTURES');

needs('ssh', 'sshd', 'chromium').describe('a second factor in the console', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  async function picture(page: Page, name: string): Promise<void> {
    if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${name}.png` });
  }

  async function withPassword(page: Page): Promise<void> {
    await page.goto(stage.bastion.url);
    await page.getByLabel('User name').fill('alice');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  async function giveCode(page: Page, code: string): Promise<void> {
    await page.getByLabel('Verification code').fill(code);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  test('is set up from its QR code, asked for from then on, and the same over ssh', async () => {
    await stage.bastion.apply(
      `users:\n  - { name: alice, keys: [${JSON.stringify(stage.alice.publicKey)}], totp: required }\n`,
    );
    await using browser = await openPage();
    const { page } = browser;
    await withPassword(page);
    await page.getByRole('heading', { name: 'Set up a second factor' }).waitFor();
    const box = await page.getByRole('img', { name: 'QR code' }).boundingBox();
    expect(box).toMatchObject({ width: 240, height: 240 });
    await picture(page, 'enrolment');
    const secret = (await page.locator('code').innerText()).replaceAll(' ', '');
    await giveCode(page, '000 000');
    await page.getByRole('alert').waitFor();
    expect((await page.locator('code').innerText()).replaceAll(' ', '')).toBe(secret);
    await picture(page, 'enrolment-wrong');
    await giveCode(page, codeOf(secret));
    await page.getByRole('heading', { name: 'Recovery codes' }).waitFor();
    const codes = await page.locator('.codes code').allInnerTexts();
    expect(codes).toHaveLength(10);
    await picture(page, 'recovery');
    await page.getByRole('link', { name: 'go on' }).click();
    await page.getByRole('heading', { name: 'Sessions' }).waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    // Else the next request would cut this one off.
    await page.getByLabel('User name').waitFor();
    await withPassword(page);
    await page.getByRole('heading', { name: 'Verification code' }).waitFor();
    await picture(page, 'code');
    await giveCode(page, codeOf(secret, 1));
    await page.getByRole('heading', { name: 'Sessions' }).waitFor();

    const over = await sshAnswering(stage.alice, 'alice+web1', [codes[0] ?? '']);
    expect(over).toMatchObject({ status: 0, stdout: 'in\n' });
    // The one wrong code.
    expect(browser.problems.filter((problem) => !problem.includes('401'))).toEqual([]);
  });
});
