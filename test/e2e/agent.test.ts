import { readFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { dataOf } from '../support/api-call.ts';
import { eventually, within } from '../support/eventually.ts';
import { JumpClient } from '../support/jump-client.ts';
import { needs } from '../support/requirements.ts';
import { makeKey, startSshd, type TestSshd } from '../support/sshd.ts';
import { openStage, type Stage } from '../support/stage.ts';

/** The library's types do not have it. */
const WITH_AGENT = { env: {}, agentForward: true };

/** Answers no connection, and says when one is asked for. */
class SilentAgent extends ssh2.BaseAgent {
  readonly #onAsked: () => void;

  constructor(onAsked: () => void) {
    super();
    this.#onAsked = onAsked;
  }

  override getIdentities(answer: ssh2.IdentityCallback): void {
    answer(undefined, []);
  }

  override sign(): void {}

  override getStream(): void {
    this.#onAsked();
  }
}

needs('ssh', 'sshd', 'ssh-agent').describe('the agent of a user', () => {
  let stage: Stage;
  let stubborn: TestSshd;
  let agent: TestAgent;
  let comment: string;
  let forwarding: string[];
  beforeAll(async () => {
    stage = await openStage();
    const { sshd, alice } = stage;
    stubborn = await startSshd({ more: ['AllowAgentForwarding no'] });
    agent = await startAgent(alice.path('agent.sock'));
    await makeKey(alice.path('other'));
    await agent.add(alice.path('other'));
    // The key that the machine lets in.
    await agent.add(sshd.keyFile);
    [, comment = ''] = readFileSync(alice.path('other.pub'), 'utf8').split(' ');
    forwarding = ['-A', '-o', `IdentityAgent=${agent.socket}`];
    const machine = (name: string, at: TestSshd, auth: string): string => `
  - { name: ${name}, host: ${at.host}, port: ${at.port}, login: ${at.login}, auth: ${auth} }`;
    const key = (at: TestSshd): string => `{ key: { file: ${JSON.stringify(at.keyFile)} } }`;
    const grant = (name: string, allow: string): string => `
  - { to: { user: alice }, on: { machine: ${name} }, allow: [${allow}] }`;
    await stage.bastion.apply(
      `machines:${machine('free1', sshd, key(sshd))}${machine('stubborn1', stubborn, key(stubborn))}` +
        `${machine('own1', sshd, '{ agent: true }')}${machine('far1', stubborn, '{ agent: true }')}${machine('lent1', sshd, '{ agent: true }')}\n` +
        `grants:${grant('free1', 'shell, exec, agent')}${grant('stubborn1', 'shell, exec, agent')}` +
        `${grant('own1', 'shell, exec, sftp')}${grant('far1', 'exec')}${grant('lent1', 'exec, agent')}\n`,
    );
  });
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
    await stubborn?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  const denials = async (): Promise<number> => {
    const answer = await stage.bastion.api('audit?type=channel.denied&limit=100');
    const { events } = dataOf(answer) as { events: { detail: { capability?: string } }[] };
    return events.filter(({ detail }) => detail.capability === 'agent').length;
  };

  test('is reached from a machine where a grant allows it, and the record has it', async () => {
    const done = await stage.alice.ssh('alice+free1', 'ssh-add -L && ssh-add -L | wc -l', {
      more: forwarding,
    });
    expect(done).toMatchObject({ status: 0 });
    expect(done.stdout.toString()).toContain(comment);
    expect(done.stdout.toString()).toMatch(/\n2\n$/);
    const session = await stage.bastion.lastEnded();
    const [program, ...others] = session.channels ?? [];
    expect(program).toMatchObject({ kind: 'exec', exit_status: 0 });
    expect(others).toHaveLength(2);
    for (const one of others) {
      expect(one).toMatchObject({ kind: 'forward', command: 'agent' });
      expect(one).toMatchObject({ ended_at: expect.stringMatching(/Z$/) });
    }
    const events = dataOf(await stage.bastion.api(`audit?session_id=${session.id}`)) as {
      events: { type: string; detail: unknown }[];
    };
    const opened = events.events.filter(({ type }) => type === 'channel.opened');
    expect(opened.map(({ detail }) => detail)).toMatchObject([
      { capability: 'agent' },
      { capability: 'agent' },
    ]);
  });

  test('signs for a second machine behind the first', async () => {
    const { port, login } = stage.sshd;
    const hop = `ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -p ${port} ${login}@127.0.0.1 echo from the second`;
    const done = await stage.alice.ssh('alice+free1', hop, { more: forwarding });
    expect([done.status, done.stdout.toString()]).toEqual([0, 'from the second\n']);
  });

  test('is not there without being offered, or without the capability; the program runs', async () => {
    const silent = 'echo "<$SSH_AUTH_SOCK>"';
    const plain = await stage.alice.ssh('alice+free1', silent);
    expect(plain.stdout.toString()).toBe('<>\n');
    const before = await denials();
    const denied = await stage.alice.ssh('alice+web1', silent, { more: forwarding });
    expect([denied.status, denied.stdout.toString()]).toEqual([0, '<>\n']);
    await eventually('the event', async () => (await denials()) === before + 1 || null);
  });

  test('a user under a terminal reads that it is not there, and why', async () => {
    await using screen = stage.alice.terminal('alice+web1', 'echo ran; read line', {
      more: forwarding,
    });
    await screen.shows('ran');
    expect(screen.text).toContain('postern: no grant allows you agent on web1');
    await using other = stage.alice.terminal('alice+stubborn1', 'echo ran; read line', {
      more: forwarding,
    });
    await other.shows('ran');
    await other.shows('postern: stubborn1 does not take agent');
  });

  test('logs in to a machine, though the machine itself may not use it', async () => {
    const before = await denials();
    const done = await stage.alice.ssh('alice+own1', 'echo "in <$SSH_AUTH_SOCK>"', {
      more: forwarding,
    });
    expect({ ...done, stdout: done.stdout.toString() }).toMatchObject({
      status: 0,
      stdout: 'in <>\n',
    });
    const session = await stage.bastion.lastEnded();
    expect(session.channels).toMatchObject([{ kind: 'exec' }]);
    // Who is made to forward it is not denied what was not asked for.
    expect(await denials()).toBe(before);
  });

  test('logs in under a terminal, and from the menu', async () => {
    await using screen = stage.alice.terminal('alice', null, { more: forwarding });
    await screen.shows('which machine?');
    screen.type('own1\r');
    await screen.until('a prompt', () => /[$#] ?$/.test(screen.text.trimEnd()));
    screen.type('echo here $((40 + 2))\r');
    await screen.shows('here 42');
  });

  test('logs in through ssh -J, where the inner connection forwards it', async () => {
    const { stdout } = await stage.bastion.cli('machine', 'known-hosts');
    const jump = new JumpClient(stage.alice, stage.bastion.ssh, stdout.toString());
    const { login } = stage.sshd;
    const [first = '', ...rest] = forwarding;
    const done = await jump.ssh('alice', [first, ...rest, `${login}@own1`, 'echo inside']);
    expect({ ...done, stdout: done.stdout.toString() }).toMatchObject({
      status: 0,
      stdout: 'inside\n',
    });
    const without = await jump.ssh('alice', [`${login}@own1`, 'echo inside']);
    expect(without.status).toBe(255);
    expect(without.stderr).toContain('you have not forwarded it: ssh -A');
  });

  test('one that does not answer keeps no session from being ended', async () => {
    const disable = (disabled: boolean) =>
      stage.bastion.api(`users/${user}`, { method: 'PATCH', body: { disabled } });
    const ends = {
      terminated: (id: string) => stage.bastion.api(`sessions/${id}`, { method: 'DELETE' }),
      access_revoked: () => disable(true),
    };
    const found = dataOf(await stage.bastion.api('users?search=alice'));
    const user = (found as { users: readonly { readonly id: string }[] }).users[0]?.id;
    for (const [reason, end] of Object.entries(ends)) {
      const asked = Promise.withResolvers<void>();
      const client = new ssh2.Client();
      try {
        const { alice, bastion } = stage;
        client.connect({
          ...{ host: bastion.ssh.host, port: bastion.ssh.port, username: 'alice+lent1' },
          privateKey: readFileSync(alice.identity, 'utf8'),
          agent: new SilentAgent(asked.resolve),
          agentForward: true,
        });
        client.on('error', () => undefined);
        const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
        client.once('ready', () => client.exec('true', WITH_AGENT, () => undefined));
        await within('the question', asked.promise);
        const [waiting] = await bastion.sessions('status=pending');
        const id = waiting?.id ?? '';
        expect(await within('the answer', end(id), 2000)).toMatchObject({ status: 200 });
        await within('its end', gone, 2000);
        await eventually(
          'its row',
          async () => (await bastion.session(id)).end_reason === reason,
          2000,
        );
      } finally {
        client.end();
        await disable(false);
      }
    }
  });

  test('has to be forwarded, and to hold a key that the machine takes', async () => {
    const without = await stage.alice.ssh('alice+own1', 'true');
    expect(without.status).toBe(255);
    expect(without.stderr).toBe(
      'postern: own1 is logged in to with the keys of your own agent, and you have not forwarded it: ssh -A\n',
    );
    const session = await stage.bastion.lastEnded();
    expect(session).toMatchObject({ status: 'failed', end_reason: 'machine_auth_failed' });
    const none = await stage.alice.ssh('alice+far1', 'true', { more: forwarding });
    expect([none.status, none.stderr]).toEqual([
      255,
      `postern: far1 accepted none of the keys of your agent for ${stubborn.login}\n`,
    ]);
  });
});
