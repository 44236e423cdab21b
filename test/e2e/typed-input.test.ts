import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { checkAsciicast } from '../support/asciicast.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd').describe('recording what is typed', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  async function machineId(): Promise<string> {
    const found = dataOf(await stage.bastion.api('machines?search=web1'));
    const [machine] = (found as { readonly machines: readonly { readonly id: string }[] }).machines;
    if (machine === undefined) throw new Error('there is no web1');
    return machine.id;
  }

  /** A session with a command, a password after a prompt and one without; the events of its recording. */
  async function session() {
    await using screen = stage.alice.terminal('alice+web1', null, { cols: 80, rows: 20 });
    await screen.until('a prompt', () => screen.text !== '');
    screen.type("PS1='$ '; clear\r");
    await screen.until('a clean screen', () => screen.text === '$');
    // Each key when the one before has been echoed, as a person types.
    for (const [at, key] of [...'echo one'].entries()) {
      screen.type(key);
      await screen.until(
        'its echo',
        () => screen.text === `$ ${'echo one'.slice(0, at + 1)}`.trim(),
      );
    }
    screen.type('\r');
    await screen.shows(/^one$/m);
    const quiet = (question: string, then: string): string =>
      `stty -echo; printf '${question}'; read -r x; stty echo; echo; echo ${then}\r`;
    // The question is there once nothing is echoed any more.
    screen.type(quiet("Pass''word: ", 'two'));
    await screen.until('the question', () => screen.text.endsWith('Password:'));
    screen.type('hunter2\r');
    await screen.shows(/^two$/m);
    screen.type(quiet("re''ady", 'three'));
    await screen.until('the question', () => screen.text.endsWith('ready'));
    screen.type('swordfish\r');
    await screen.shows(/^three$/m);
    screen.type('exit\r');
    expect(await screen.exited()).toBe(0);
    const { id } = await stage.bastion.lastEnded();
    const { text } = await stage.bastion.api(`sessions/${id}/recording`);
    const [recording] = (await stage.bastion.session(id)).recordings ?? [];
    return { id, text, state: recording?.state, cast: checkAsciicast(text) };
  }

  test('is off, unless a machine is to have it', async () => {
    const { cast } = await session();
    expect(cast.events.map(({ code }) => code)).not.toContain('i');
  });

  test('keeps what was echoed, in order with its output, and counts what was not', async () => {
    const path = `machines/${await machineId()}`;
    const changed = await stage.bastion.api(path, {
      method: 'PATCH',
      body: { record_input: true },
    });
    expect(dataOf(changed)).toMatchObject({ record_input: true });
    const { id, text, state, cast } = await session();
    expect(state).toBe('complete');
    const typed = cast.events.filter(({ code }) => code === 'i').map(({ data }) => data);
    expect(typed).toContain('echo one\r');
    const at = (code: string, data: string | RegExp) =>
      cast.events.findIndex((event) => event.code === code && event.data.search(data) !== -1);
    expect(at('i', /^echo one\r$/)).toBeLessThan(at('o', /one\r\n/));
    expect(at('m', /8 typed characters are not recorded/)).not.toBe(-1);
    expect(at('m', /10 typed characters are not recorded/)).not.toBe(-1);
    for (const secret of ['hunter2', 'swordfish']) expect(text).not.toContain(secret);
    expect(await stage.bastion.cli('recording', 'verify', id)).toMatchObject({ status: 0 });
  });
});
