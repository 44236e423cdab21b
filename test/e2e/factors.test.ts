import { afterAll, beforeAll, expect, test } from 'vitest';
import { sshAnswering } from '../support/answerer.ts';
import { dataOf } from '../support/api-call.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, PASSWORD, type Stage } from '../support/stage.ts';

const WRONG = '000000';

let stage: Stage;

async function usersId(name: string): Promise<string> {
  const answer = await stage.bastion.api(`users?search=${name}`);
  return (dataOf(answer) as { users: readonly { id: string }[] }).users[0]?.id ?? '';
}

async function change(name: string, body: object): Promise<void> {
  await stage.bastion.api(`users/${await usersId(name)}`, { method: 'PATCH', body });
}

async function grant(name: string, body: object): Promise<void> {
  const to = { user: name };
  const made = await stage.bastion.api('grants', { method: 'POST', body: { to, ...body } });
  expect(made.status).toBe(201);
}

interface Noted {
  readonly detail: { readonly [name in 'reason' | 'method' | 'second_factor']?: string };
}

/** The newest events of a type, newest first. */
async function events(type: string): Promise<readonly Noted[]> {
  const answer = await stage.bastion.api(`audit?type=${type}&limit=20`);
  return (dataOf(answer) as { events: readonly Noted[] }).events;
}

/** Waits for the only event of a type. */
async function noted(type: string): Promise<void> {
  await eventually(type, async () => (await events(type)).length === 1);
}

const { describe } = needs('ssh', 'sshd', 'ssh-keygen');

describe('second factors', () => {
  beforeAll(async () => {
    stage = await openStage();
    await change('alice', { totp: 'required' });
    await grant('bob', { on: { machine: 'web1' }, allow: ['exec'], mfa: true });
    await grant('bob', { on: { machine: 'exec1' }, allow: ['exec'] });
  }, 60_000);
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const as = (
    user: string,
    answers: readonly string[],
    methods?: string,
    more: readonly string[] = [],
    tries = 1,
  ) =>
    sshAnswering(user.startsWith('bob') ? stage.bob : stage.alice, user, answers, {
      ...(methods === undefined ? {} : { methods }),
      ...{ more, tries },
    });

  let recovery: readonly string[] = [];

  test('who must have one and has none is led to it; recovery codes are shown once', async () => {
    const alone = await as('alice+web1', [], 'publickey');
    expect([alone.status, alone.stderr]).toEqual([255, expect.stringContaining('denied')]);
    const first = await as('alice+web1', ['code:0', '']);
    expect([first.stdout, first.status]).toEqual(['in\n', 0]);
    const [enrol = '', shown = ''] = first.prompts;
    expect(enrol).toContain('otpauth://totp/Postern:alice?secret=');
    expect(enrol).toMatch(/\n[█▀▄ ]{37,}\n/);
    expect(enrol).toMatch(/Verification code: $/);
    recovery = shown.match(/[a-z2-7]{4}(?:-[a-z2-7]{4}){3}/g) ?? [];
    expect(new Set(recovery).size).toBe(10);
    await noted('totp.enrolled');
    const used = await as('alice+web1', ['again']);
    expect([used.status, used.prompts.length]).toEqual([255, 1]);
  });

  test('then a code is asked for: right, wrong, replayed', async () => {
    const right = await as('alice+web1', ['code:1']);
    expect([right.stdout, right.status]).toEqual(['in\n', 0]);
    expect(right.prompts).toEqual([expect.stringMatching(/Verification code: $/)]);
    const replayed = await as('alice+web1', ['again']);
    expect(replayed.status).toBe(255);
    const wrong = await as('alice+web1', [WRONG]);
    expect([wrong.status, wrong.stderr]).toEqual([
      255,
      expect.stringContaining('Permission denied (keyboard-interactive)'),
    ]);
    const [failed] = await eventually('the failure is noted', async () => {
      const found = await events('auth.failed');
      return found.some(({ detail }) => detail.reason === 'code') ? found : null;
    });
    expect(failed?.detail).toMatchObject({ attempts: 1 });
    await eventually('the success says how', async () => {
      const [last] = await events('auth.succeeded');
      return last?.detail.method === 'publickey' && last.detail.second_factor === 'totp';
    });
  });

  test('a recovery code is good once, after a password as after a key', async () => {
    const [code = ''] = recovery;
    const password = 'password,keyboard-interactive';
    const first = await as('alice+web1', [PASSWORD, code], password, ['PubkeyAuthentication=no']);
    expect([first.stdout, first.status]).toEqual(['in\n', 0]);
    expect((await as('alice+web1', [code])).status).toBe(255);
    await noted('totp.recovery_used');
  });

  test('password and code in one go over keyboard-interactive', async () => {
    const options = ['PubkeyAuthentication=no'];
    const answers = [PASSWORD, (recovery[1] ?? '').toUpperCase()];
    const asked = await as('alice+web1', answers, 'keyboard-interactive', options);
    expect([asked.stdout, asked.status]).toEqual(['in\n', 0]);
    expect(asked.prompts.map((prompt) => prompt.replace(/^\(.*?\) /, ''))).toEqual([
      'Password: ',
      'Verification code: ',
    ]);
  });

  test('a wrong password is asked no further', async () => {
    const options = ['PubkeyAuthentication=no'];
    const asked = await as('alice+web1', ['wrong', WRONG], 'keyboard-interactive', options);
    expect([asked.status, asked.prompts.length]).toEqual([255, 1]);
  });

  test('a grant can demand it where another does not', async () => {
    const without = await as('bob+exec1', [], 'publickey');
    expect([without.stdout, without.status]).toEqual(['in\n', 0]);
    expect((await as('bob+web1', [], 'publickey')).status).toBe(255);
    const led = await as('bob+web1', ['code:0', '']);
    expect([led.stdout, led.status]).toEqual(['in\n', 0]);
    const again = await as('bob+web1', ['code:1']);
    expect([again.stdout, again.prompts.length]).toEqual(['in\n', 1]);
  });

  test('an admin takes it away, and it begins anew', async () => {
    const reset = await stage.bastion.cli('user', 'totp', 'reset', 'bob');
    expect(reset.status).toBe(0);
    await noted('totp.reset');
    const again = await as('bob+web1', ['code:0', '']);
    expect([again.stdout, again.prompts.length]).toEqual(['in\n', 2]);
  });

  test('guessing has its price, and only where it came from; a key is not guessed', async () => {
    await change('bob', { password: PASSWORD });
    const options = ['PubkeyAuthentication=no'];
    const guesses = ['a', 'b', 'c', 'd', 'e', PASSWORD];
    const right = await as('bob+exec1', guesses, 'password', options, guesses.length);
    expect(right.prompts.length).toBe(6);
    expect([right.status, right.stderr]).toEqual([255, expect.stringContaining('denied')]);
    await eventually('the refusal is noted', async () =>
      (await events('auth.failed')).some(({ detail }) => detail.reason === 'penalty'),
    );
    expect((await as('bob+exec1', [], 'publickey')).stdout).toBe('in\n');
  });
});
