import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { startDisplay, type TestDisplay } from '../support/display.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { openStage, type Stage } from '../support/stage.ts';

needs('ssh', 'sshd', 'Xvfb', 'xauth', 'xdpyinfo').describe('the display of a user', () => {
  let stage: Stage;
  let graphic: TestSshd;
  let display: TestDisplay;
  beforeAll(async () => {
    stage = await openStage({ settings: { POSTERN_LOG_LEVEL: 'debug' } });
    const { sshd, alice } = stage;
    graphic = await startSshd({ more: ['X11Forwarding yes'] });
    display = await startDisplay(alice.path('xauthority'));
    const machine = (name: string, at: TestSshd): string => `
  - { name: ${name}, host: ${at.host}, port: ${at.port}, login: ${at.login}, auth: { key: { file: ${JSON.stringify(at.keyFile)} } } }`;
    const grant = (name: string, allow: string): string => `
  - { to: { user: alice }, on: { machine: ${name} }, allow: [${allow}] }`;
    await stage.bastion.apply(
      `machines:${machine('x1', graphic)}${machine('bare1', graphic)}${machine('blind1', sshd)}\n` +
        `grants:${grant('x1', 'shell, exec, x11')}${grant('bare1', 'exec')}${grant('blind1', 'shell, exec, x11')}\n`,
    );
  });
  afterAll(async () => {
    await display?.[Symbol.asyncDispose]();
    await graphic?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  const cookies = (text: string): RegExpMatchArray | null => text.match(/[0-9a-f]{32}/g);

  test.each(['-X', '-Y'])('ssh %s shows what a program on the machine draws', async (how) => {
    const done = await stage.alice.ssh('alice+x1', 'xdpyinfo && xauth list', {
      more: [how],
      env: display.env,
    });
    const text = done.stdout.toString();
    expect({ status: done.status, stderr: done.stderr, text }).toMatchObject({
      status: 0,
      text: expect.stringMatching(/name of display:\s+localhost:\d+\.0/),
    });
    expect(text).toContain('dimensions:    640x480 pixels');
    const session = await stage.bastion.lastEnded();
    expect(session.channels).toMatchObject([
      { kind: 'exec', exit_status: 0 },
      { kind: 'forward', command: 'x11', ended_at: expect.stringMatching(/Z$/) },
    ]);
    // What the machine was given is in the recording of what the user looked at, and in no log.
    const [given = 'none'] = cookies(text) ?? [];
    expect(stage.bastion.log).not.toContain(given);
    expect(stage.bastion.log).not.toContain(display.cookie);
    const audit = await stage.bastion.api(`audit?session_id=${session.id}`);
    expect(JSON.stringify(audit.body)).not.toContain(given);
  });

  test('without the capability the request fails as with sshd, and the program runs', async () => {
    const done = await stage.alice.ssh('alice+bare1', 'echo "<$DISPLAY>"', {
      more: ['-Y', '-o', 'LogLevel=INFO'],
      env: display.env,
    });
    expect([done.status, done.stdout.toString()]).toEqual([0, '<>\n']);
    expect(done.stderr).toContain('X11 forwarding request failed');
    await eventually('the event', async () => {
      const answer = await stage.bastion.api('audit?type=channel.denied&limit=100');
      const { events } = dataOf(answer) as { events: { detail: { capability?: string } }[] };
      return events.some(({ detail }) => detail.capability === 'x11') || null;
    });
  });

  test('a machine that forwards none is said to, under a terminal', async () => {
    await using screen = stage.alice.terminal('alice+blind1', 'echo "<$DISPLAY>"; read line', {
      more: ['-Y'],
      env: display.env,
    });
    await screen.shows('<>');
    await screen.shows('postern: blind1 does not take x11');
  });
});
