import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';
import { digest, echo, exchange, freePort, type Listening, Tunnel } from '../support/tunnels.ts';

const MB = 1024 * 1024;

needs('ssh', 'sshd').describe('listeners on a machine, and sockets', () => {
  let stage: Stage;
  let said: Listening;
  let hashed: Listening;
  let there: string;
  beforeAll(async () => {
    stage = await openStage();
    [said, hashed] = await Promise.all([echo(), digest()]);
    const { sshd, alice } = stage;
    there = alice.path('there.sock');
    const machine = (name: string): string => `
  - name: ${name}
    kind: ssh
    host: ${sshd.host}
    port: ${sshd.port}
    login: ${sshd.login}
    auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }`;
    await stage.bastion.apply(`
machines:${machine('gate1')}${machine('bare1')}
grants:
  - to: { user: alice }
    on: { machine: gate1 }
    allow: [exec, forward-local, forward-remote]
    forward_to: [${JSON.stringify(`unix:${there}`)}]
  - to: { user: alice }
    on: { machine: bare1 }
    allow: [exec, forward-local]
    forward_to: ["*:*"]
`);
  });
  afterAll(async () => {
    await said?.[Symbol.asyncDispose]();
    await hashed?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  const tunnel = (more: readonly string[]): Promise<Tunnel> =>
    new Tunnel(stage.alice, 'alice+gate1', more).says(/remote forward success/);
  /** Nobody listens there any more; sshd takes a moment. */
  const closes = async (port: number): Promise<void> => {
    await eventually('the end of the listener', async () => {
      const failed = await exchange(port, Buffer.from('x')).catch(String);
      return String(failed).includes('ECONNREFUSED') || null;
    });
  };
  const denied = async (wanted: string): Promise<void> => {
    await eventually(`the event of ${wanted}`, async () => {
      const answer = await stage.bastion.api('audit?type=channel.denied&limit=50');
      const { events } = dataOf(answer) as { events: { detail: { wanted?: string } }[] };
      return events.some(({ detail }) => detail.wanted === wanted) || null;
    });
  };

  test('-R carries twenty megabytes each way, and the record has it', async () => {
    const bytes = randomBytes(20 * MB);
    const port = await freePort();
    {
      await using _ = await tunnel(['-R', `${port}:127.0.0.1:${said.port}`]);
      expect((await exchange(port, bytes)).equals(bytes)).toBe(true);
    }
    const session = await stage.bastion.lastEnded();
    expect(session).toMatchObject({
      kind: 'forward',
      end_reason: 'client_closed',
      bytes_in: 20 * MB,
      bytes_out: 20 * MB,
      channels: [
        { kind: 'forward', command: `listen localhost:${port}` },
        { kind: 'forward', command: `localhost:${port}`, bytes_in: 20 * MB, bytes_out: 20 * MB },
      ],
    });
  });

  test('-R with port 0 tells the port, half-closes, and is cancelled', async () => {
    const control = stage.alice.path('mux');
    await using one = new Tunnel(stage.alice, 'alice+gate1', [
      ...['-M', '-S', control, '-R', `0:127.0.0.1:${hashed.port}`],
    ]);
    await one.says(/Allocated port \d+/);
    const port = Number(/Allocated port (\d+)/.exec(one.errors)?.[1]);
    const answer = await exchange(port, Buffer.from('abc'));
    expect(answer.toString()).toBe(createHash('sha256').update('abc').digest('hex'));
    const late = await freePort();
    const forward = `${late}:127.0.0.1:${hashed.port}`;
    const mux = async (word: string): Promise<void> => {
      const more = ['-S', control, '-O', word, '-R', forward];
      expect(await stage.alice.ssh('alice+gate1', null, { more })).toMatchObject({ status: 0 });
    };
    await mux('forward');
    expect((await exchange(late, Buffer.from('abc'))).toString()).toBe(answer.toString());
    await mux('cancel');
    await closes(late);
    expect((await exchange(port, Buffer.from('abc'))).toString()).toBe(answer.toString());
  });

  test('-R is refused without the capability, and on an address that is not named', async () => {
    const port = await freePort();
    for (const [user, at] of [
      ['alice+bare1', 'localhost'],
      ['alice+gate1', '0.0.0.0'],
    ] as const) {
      const more = ['-N', '-o', 'ExitOnForwardFailure=yes'];
      const done = await stage.alice.ssh(user, null, {
        more: [...more, '-R', `${at}:${port}:127.0.0.1:${said.port}`],
      });
      expect(done.status).toBe(255);
      await denied(`${at}:${port}`);
    }
    await expect(exchange(port, Buffer.from('x'))).rejects.toThrow('ECONNREFUSED');
  });

  test('a terminated session takes its listeners with it', async () => {
    const port = await freePort();
    await using one = await tunnel(['-R', `${port}:127.0.0.1:${said.port}`]);
    const socket = dial(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write('x');
    await within('an answer', answered);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const [live] = await stage.bastion.sessions('status=active');
    await stage.bastion.api(`sessions/${live?.id}`, { method: 'DELETE' });
    await within('the end of the forward', closed);
    await eventually('the end of ssh', () => one.ended || null);
    await closes(port);
  });

  test('a socket of the machine is reached, if its path is named', async () => {
    await using _server = await echo({ path: there });
    const here = stage.alice.path('here.sock');
    const other = stage.alice.path('other.sock');
    await using _ = await new Tunnel(stage.alice, 'alice+gate1', [
      ...['-L', `${here}:${there}`, '-L', `${other}:/run/postern-test.sock`],
    ]).says(/Entering interactive session|pledge: /);
    expect((await exchange(here, Buffer.from('abc'))).toString()).toBe('abc');
    expect((await exchange(other, Buffer.from('abc')).catch(() => null))?.length ?? 0).toBe(0);
    await denied('unix:/run/postern-test.sock');
  });

  test('a socket on the machine is listened to, if its path is named', async () => {
    const far = stage.alice.path('there.sock');
    await using _ = await tunnel(['-R', `${far}:127.0.0.1:${hashed.port}`]);
    await eventually('the socket', () => existsSync(far) || null);
    const sha256 = createHash('sha256').update('abc').digest('hex');
    expect((await exchange(far, Buffer.from('abc'))).toString()).toBe(sha256);
    const more = ['-N', '-o', 'ExitOnForwardFailure=yes', '-R', `${far}.not:127.0.0.1:1`];
    expect((await stage.alice.ssh('alice+gate1', null, { more })).status).toBe(255);
    await denied(`unix:${far}.not`);
  });

  test('a session that only listens ends with the machine', async () => {
    const port = await freePort();
    await using _ = await tunnel(['-R', `${port}:127.0.0.1:${said.port}`]);
    await stage.sshd.stop();
    expect(await stage.bastion.lastEnded()).toMatchObject({
      kind: 'forward',
      end_reason: 'machine_lost',
      channels: [{ ended_at: expect.stringMatching(/Z$/) }],
    });
  });
});
