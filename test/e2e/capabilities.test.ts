import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CAPABILITIES, type Capability } from '../../src/domain/capability.ts';
import { startAgent, type TestAgent } from '../support/agent.ts';
import { dataOf } from '../support/api-call.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { digest, exchange, freePort, type Listening, Tunnel } from '../support/tunnels.ts';

/** What came of using a capability, and what the user read of it. */
interface Tried {
  readonly worked: boolean;
  readonly read: string;
}

/** Files one way alone are in one-way-transfers.test.ts; each does for sftp in part. */
type Whole = Exclude<Capability, 'upload' | 'download'>;

const WHOLE = CAPABILITIES.filter((one): one is Whole => one !== 'upload' && one !== 'download');

const ABC = createHash('sha256').update('abc').digest('hex');

needs('ssh', 'sshd', 'xauth', 'ssh-agent').describe('a capability', () => {
  let stage: Stage;
  let sshd: TestSshd;
  let hashed: Listening;
  let agent: TestAgent;
  beforeAll(async () => {
    stage = await openStage();
    hashed = await digest();
    sshd = await startSshd({
      more: ['X11Forwarding yes', 'Subsystem hello printf hello; cat; exit 3'],
    });
    agent = await startAgent(stage.alice.path('agent.sock'));
    await agent.add(stage.alice.identity);
    await stage.bastion.apply(setup());
  });
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
    await hashed?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  /** For each capability a machine that is granted with it, and one with all others. */
  function setup(): string {
    const { host, port, login, keyFile } = sshd;
    const named = WHOLE.flatMap((one): [string, readonly Capability[]][] => [
      // The last two go along with a program.
      [`only-${one}`, one === 'agent' || one === 'x11' ? [one, 'exec'] : [one]],
      [`but-${one}`, WHOLE.filter((other) => other !== one)],
    ]);
    const machines = named.map(
      ([name]) =>
        `  - { name: ${name}, host: ${host}, port: ${port}, login: ${login}, auth: { key: { file: ${JSON.stringify(keyFile)} } } }\n`,
    );
    const grants = named.map(
      ([name, allow]) =>
        `  - { to: { user: alice }, on: { machine: ${name} }, allow: [${allow.join(', ')}], forward_to: ["127.0.0.1:*"] }\n`,
    );
    return `machines:\n${machines.join('')}grants:\n${grants.join('')}`;
  }

  async function run(
    user: string,
    command: string | null,
    wanted: string,
    options: { more?: readonly string[]; input?: string; env?: Record<string, string> } = {},
  ): Promise<Tried> {
    const more = ['-o', 'LogLevel=INFO', ...(options.more ?? [])];
    const done = await stage.alice.ssh(user, command, { ...options, more });
    return { worked: done.stdout.toString().includes(wanted), read: done.stderr };
  }

  async function listens(user: string): Promise<Tried> {
    const port = await freePort();
    await using tunnel = new Tunnel(stage.alice, user, ['-R', `${port}:127.0.0.1:${hashed.port}`]);
    await eventually('an answer', () => tunnel.ended || /forward success/.test(tunnel.errors));
    if (tunnel.ended) return { worked: false, read: tunnel.errors };
    const answer = await exchange(port, Buffer.from('abc'));
    return { worked: answer.toString() === ABC, read: '' };
  }

  const use: Readonly<Record<Whole, (user: string) => Promise<Tried>>> = {
    shell: (user) => run(user, null, 'it worked', { input: 'echo it worked\n', more: ['-T'] }),
    exec: (user) => run(user, 'echo it worked', 'it worked'),
    sftp: async (user) => {
      const done = await stage.alice.sftp(user, ['pwd']);
      return { worked: done.status === 0, read: done.stderr };
    },
    'forward-local': (user) =>
      run(user, null, ABC, { more: ['-W', `127.0.0.1:${hashed.port}`], input: 'abc' }),
    'forward-remote': listens,
    agent: (user) =>
      run(user, 'ssh-add -L >&2 && echo it worked', 'it worked', {
        more: ['-A', '-o', `IdentityAgent=${agent.socket}`],
      }),
    // The display itself is in x11.test.ts.
    x11: (user) =>
      run(user, 'test -n "$DISPLAY" && echo it worked', 'it worked', {
        more: ['-Y'],
        env: { DISPLAY: '127.0.0.1:99' },
      }),
  };

  /** Under no terminal an agent is missed without a word, as with sshd: agent.test.ts has the other. */
  const told: Readonly<Record<Whole, RegExp>> = {
    shell: /postern: no grant allows you shell on but-shell/,
    exec: /postern: no grant allows you exec on but-exec/,
    sftp: /postern: no grant allows you sftp on but-sftp/,
    'forward-local': /administratively prohibited: no grant allows you forward-local/,
    'forward-remote': /remote port forwarding failed/,
    agent: /agent/,
    x11: /X11 forwarding request failed/,
  };

  const denied = async (capability: Whole): Promise<number> => {
    const answer = await stage.bastion.api('audit?type=channel.denied&limit=100');
    const { events } = dataOf(answer) as { events: { detail: { capability?: string } }[] };
    return events.filter(({ detail }) => detail.capability === capability).length;
  };

  test.each(WHOLE)('%s works when it is granted', async (capability) => {
    const before = await denied(capability);
    const tried = await use[capability](`alice+only-${capability}`);
    expect(tried).toMatchObject({ worked: true });
    expect(await denied(capability)).toBe(before);
  });

  test.each(WHOLE)('%s is refused, told and noted when all else is', async (capability) => {
    const before = await denied(capability);
    const tried = await use[capability](`alice+but-${capability}`);
    expect(tried).toEqual({ worked: false, read: expect.stringMatching(told[capability]) });
    await eventually('the event', async () => (await denied(capability)) === before + 1 || null);
  });

  test('exec gives the subsystems of the machine too, but for sftp; they are recorded', async () => {
    const more = ['-s'];
    const done = await stage.alice.ssh('alice+only-exec', 'hello', { more, input: 'there' });
    expect([done.status, done.stdout.toString()]).toEqual([3, 'hellothere']);
    const session = await stage.bastion.lastEnded();
    expect(session).toMatchObject({
      kind: 'exec',
      exit_status: 3,
      channels: [{ kind: 'subsystem', command: 'hello', exit_status: 3 }],
      recordings: [{ state: 'complete' }],
    });
    const before = await denied('exec');
    const refused = await stage.alice.ssh('alice+but-exec', 'hello', { more, input: 'there' });
    expect([refused.status, refused.stdout.toString()]).toEqual([255, '']);
    expect(refused.stderr).toContain('postern: no grant allows you exec on but-exec');
    await eventually('the event', async () => (await denied('exec')) === before + 1 || null);
  });
});
