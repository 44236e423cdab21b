import { connect as dial } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { echo, freePort, type Listening } from '../support/tunnels.ts';

/** Milliseconds within which what was taken away must be gone. */
const IN_TIME_MS = 2000;

interface Terms {
  readonly allow: string;
  readonly forwardTo?: string;
}

needs('ssh', 'sshd', 'xauth', 'ssh-agent').describe('a capability that is in use', () => {
  let stage: Stage;
  let sshd: TestSshd;
  let said: Listening;
  let agent: TestAgent;
  beforeAll(async () => {
    stage = await openStage();
    said = await echo();
    sshd = await startSshd({ more: ['X11Forwarding yes', 'Subsystem wait echo ready; cat'] });
    agent = await startAgent(stage.alice.path('agent.sock'));
  });
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
    await said?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  /** A machine of its own, and the only grant on it. */
  function grant(name: string, { allow, forwardTo = '' }: Terms): Promise<unknown> {
    const { host, port, login, keyFile } = sshd;
    return stage.bastion.apply(`
machines:
  - { name: ${name}, host: ${host}, port: ${port}, login: ${login}, auth: { key: { file: ${JSON.stringify(keyFile)} } } }
grants:
  - { to: { user: alice }, on: { machine: ${name} }, allow: [${allow}], forward_to: [${forwardTo}] }
`);
  }

  /** A running ssh on the machine, once `ready` is true of what it has printed. */
  async function start(
    name: string,
    command: string | null,
    more: readonly string[],
    ready: (printed: string) => boolean | Promise<boolean>,
  ) {
    const args = ['-o', 'ExitOnForwardFailure=yes', '-o', 'LogLevel=DEBUG1', ...more];
    // No display is there; ssh forwards it all the same.
    const child = stage.alice.spawn(`alice+${name}`, command, args, { DISPLAY: '127.0.0.1:99' });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
      });
    }
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    await eventually(`${name} is in use`, () => ready(printed));
    return {
      ended,
      printed: () => printed,
      async [Symbol.asyncDispose]() {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  /** Whether a connection to `port` is answered; it stays. */
  async function answers(port: number): Promise<boolean> {
    const socket = dial(port, '127.0.0.1');
    const { promise, resolve } = Promise.withResolvers<boolean>();
    socket.on('error', () => resolve(false));
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
    socket.write('x');
    return await within('an answer', promise);
  }

  async function endsInTime(live: { readonly ended: Promise<void> }, name: string): Promise<void> {
    await within('ssh ends', live.ended, IN_TIME_MS);
    await eventually('the row says so', async () => {
      const [session] = await stage.bastion.sessions(`status=all&search=${name}`);
      return session?.end_reason === 'access_revoked';
    });
  }

  test.each([
    ['agent', ['-A']],
    ['x11', ['-Y']],
  ])('%s ends its session when it is taken back, though it stands idle', async (kind, how) => {
    const name = `${kind}-idle`;
    await grant(name, { allow: `exec, ${kind}` });
    const more = [...how, '-o', `IdentityAgent=${agent.socket}`];
    const command = 'test -n "$SSH_AUTH_SOCK$DISPLAY" && echo ready; exec sleep 1000';
    await using live = await startIn(name, command, more);
    await grant(name, { allow: 'exec' });
    await endsInTime(live, name);
    expect(live.printed()).toContain(`postern: you may not use ${kind} on ${name} any more`);
  });

  /** `start` for a program that prints `ready`. */
  function startIn(name: string, command: string, more: readonly string[]) {
    return start(name, command, more, (printed) => /^ready/m.test(printed));
  }

  test('agent ends its session with a connection to it open', async () => {
    await grant('agent-busy', { allow: 'exec, agent' });
    const hold = `node -e 'require("net").connect(process.env.SSH_AUTH_SOCK, () => console.log("ready"))'`;
    const command = hold.replace('node', process.execPath);
    const more = ['-A', '-o', `IdentityAgent=${agent.socket}`];
    await using live = await startIn('agent-busy', command, more);
    await eventually('the record has it', async () => {
      const [session] = await stage.bastion.sessions('status=active&search=agent-busy');
      const { channels = [] } = await stage.bastion.session(session?.id ?? '');
      return channels.length === 2;
    });
    await grant('agent-busy', { allow: 'exec' });
    await endsInTime(live, 'agent-busy');
  });

  test('sftp ends its session when it is taken back', async () => {
    await grant('sftp-box', { allow: 'exec, sftp' });
    const answered = (text: string): boolean => /Entering interactive session|pledge: /.test(text);
    await using live = await start('sftp-box', 'sftp', ['-s'], async (text) => {
      const active = await stage.bastion.sessions('status=active&search=sftp-box');
      return answered(text) && active.length === 1;
    });
    await grant('sftp-box', { allow: 'exec' });
    await endsInTime(live, 'sftp-box');
    expect(live.printed()).toContain('postern: you may not use sftp on sftp-box any more');
  });

  test('exec ends its session when it is taken back from a subsystem', async () => {
    await grant('wait-box', { allow: 'exec, sftp' });
    await using live = await startIn('wait-box', 'wait', ['-s']);
    await grant('wait-box', { allow: 'sftp' });
    await endsInTime(live, 'wait-box');
    expect(live.printed()).toContain('postern: you may not use exec on wait-box any more');
  });

  test.each([
    ['the capability', { allow: 'exec', forwardTo: '"127.0.0.1:*"' }],
    ['the place', { allow: 'exec, forward-local', forwardTo: '"127.0.0.2:*"' }],
  ])('forward-local ends its session when %s is taken back', async (what, after) => {
    const name = `local-${what.slice(4)}`;
    const port = await freePort();
    await grant(name, { allow: 'exec, forward-local', forwardTo: '"127.0.0.1:*"' });
    const more = ['-N', '-L', `${port}:127.0.0.1:${said.port}`];
    await using live = await start(name, null, more, () => answers(port));
    await grant(name, after);
    await endsInTime(live, name);
  });

  test.each([
    ['the capability', { allow: 'exec' }],
    ['the place', { allow: 'exec, forward-remote', forwardTo: '"127.0.0.2:*"' }],
  ])('forward-remote ends its session when %s is taken back', async (what, after) => {
    const name = `remote-${what.slice(4)}`;
    const port = await freePort();
    await grant(name, { allow: 'exec, forward-remote', forwardTo: '"0.0.0.0:*"' });
    // Nobody has connected to it yet.
    const more = ['-N', '-R', `0.0.0.0:${port}:127.0.0.1:${said.port}`];
    await using live = await start(name, null, more, (text) => text.includes('forward success'));
    await grant(name, after);
    await endsInTime(live, name);
  });
});
