import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { eventually } from '../support/eventually.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';

interface Hit {
  readonly kind: string;
  readonly session_id: string;
  readonly line: string;
  readonly url: string;
}

needs('ssh', 'sshd').describe('what sessions hold', () => {
  let stage: Stage;
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
    stage = await openStage({
      settings: {
        POSTERN_ALERT_SINKS: receiver.url,
        POSTERN_WEBHOOK_SECRET: 'sixteen-characters-at-least',
      },
    });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await receiver?.[Symbol.asyncDispose]();
  });

  async function found(query: string): Promise<readonly Hit[]> {
    const data = dataOf(await stage.bastion.api(`search?q=${encodeURIComponent(query)}`));
    return (data as { hits: readonly Hit[] }).hits;
  }

  test('is found with its second, by the API and on the command line', async () => {
    await stage.alice.ssh('alice+web1', 'echo first; echo NEEDLE in the hay; echo last');
    const { id } = await stage.bastion.lastEnded();
    const hits = await eventually('output and command are found', async () => {
      const all = await found('needle hay');
      return all.length === 2 ? all : null;
    });
    expect(hits).toMatchObject([
      { session_id: id, line: expect.stringContaining('NEEDLE in the hay') },
      { session_id: id },
    ]);
    const { stdout } = await stage.bastion.cli('search', 'needle', 'hay', '--kind', 'output');
    expect(stdout.toString()).toContain('> NEEDLE in the hay\n  last\n');
    expect(stdout.toString()).toContain(`/sessions/${id.replace('sess_', '')}?channel=1&t=`);
    const none = await stage.bastion.cli('search', 'needle', '--user', 'bob', '--json');
    expect(JSON.parse(none.stdout.toString())).toEqual([]);
  });

  test('raises an alert while the session runs, which ends it where its grant says so', async () => {
    await stage.bastion.cli('alert', 'add', 'wipes', 'wipe-all-of-it');
    await using screen = stage.alice.terminal('alice+web1');
    await screen.until('a prompt', () => screen.text !== '');
    screen.type('echo wipe-all-of-it\r');
    const told = await eventually('the receiver is told', () =>
      receiver.deliveries.map(({ body }) => JSON.parse(body)).at(0),
    );
    const { id } = await eventually('the session runs', async () => {
      const [newest] = await stage.bastion.sessions('status=active&limit=1');
      return newest;
    });
    expect(told).toMatchObject({
      type: 'alert.raised',
      alerts: [{ rule: 'wipes', session_id: id, channel: 1, user: 'alice', machine: 'web1' }],
    });
    expect(JSON.stringify(told)).not.toContain('wipe-all');
    expect(receiver.deliveries[0]?.headers['postern-signature']).toMatch(/^t=\d+,v1=[0-9a-f]{64}$/);
    await stage.bastion.audited('alert.raised');
    const made = await stage.bastion.cli(
      ...['grant', 'add', '--user', 'alice', '--machine', 'web1'],
      ...['--allow', 'shell', '--end-on-alert'],
    );
    expect(made.status).toBe(0);
    // The same rule is quiet for a minute of the recording.
    await stage.bastion.cli('alert', 'add', 'wipes-again', 'wipe-it-again');
    await eventually('the session is ended', async () => {
      screen.type('echo wipe-it-again\r');
      return (await stage.bastion.session(id)).status === 'stopped';
    });
    expect(await screen.exited()).toBe(255);
    expect(screen.text).toMatch(/this session was ended by alert wipes-again/);
  });
});
