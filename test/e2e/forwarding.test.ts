import { createHash, randomBytes } from 'node:crypto';
import { connect as dial } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOf } from '../support/api-call.ts';
import type { SessionView } from '../support/bastion.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs } from '../support/requirements.ts';
import { openStage, type Stage } from '../support/stage.ts';
import {
  digest,
  echo,
  exchange,
  freePort,
  type Listening,
  Tunnel,
  throughSocks,
} from '../support/tunnels.ts';

const MB = 1024 * 1024;

interface Event {
  readonly type: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

needs('ssh', 'sshd').describe('forwards through the bastion', () => {
  let stage: Stage;
  let said: Listening;
  let hashed: Listening;
  let outside: Listening;
  beforeAll(async () => {
    stage = await openStage();
    [said, hashed, outside] = await Promise.all([echo(), digest(), echo()]);
    const { sshd, alice } = stage;
    const machine = (name: string): string => `
  - name: ${name}
    kind: ssh
    host: ${sshd.host}
    port: ${sshd.port}
    login: ${sshd.login}
    auth: { key: { file: ${JSON.stringify(sshd.keyFile)} } }`;
    const places = [`127.0.0.1:${said.port}`, `127.0.0.0/30:${hashed.port}`];
    const socket = `unix:${alice.path('there.sock')}`;
    await stage.bastion.apply(`
machines:${machine('gate1')}${machine('bare1')}
grants:
  - to: { user: alice }
    on: { machine: gate1 }
    allow: [exec, forward-local, forward-remote]
    forward_to: ${JSON.stringify([...places, socket])}
  - to: { user: alice }
    on: { machine: bare1 }
    allow: [exec, forward-local, forward-remote]
`);
  });
  afterAll(async () => {
    await said?.[Symbol.asyncDispose]();
    await hashed?.[Symbol.asyncDispose]();
    await outside?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  const tunnel = (more: readonly string[], user = 'alice+gate1'): Promise<Tunnel> =>
    new Tunnel(stage.alice, user, more).says(/Entering interactive session|pledge: /);
  const events = async (type: string): Promise<readonly Event[]> => {
    const answer = await stage.bastion.api(`audit?type=${type}&limit=50`);
    return (dataOf(answer) as { events: readonly Event[] }).events;
  };
  const denied = async (place: string): Promise<void> => {
    await eventually(`the event of ${place}`, async () => {
      const all = await events('channel.denied');
      return all.some(({ detail }) => detail['wanted'] === place) || null;
    });
  };

  test('-L carries twenty megabytes each way, and the record has it', async () => {
    const port = await freePort();
    const bytes = randomBytes(20 * MB);
    {
      await using _ = await tunnel(['-L', `${port}:localhost:${said.port}`]);
      expect((await exchange(port, bytes)).equals(bytes)).toBe(true);
    }
    const session = await stage.bastion.lastEnded();
    expect(session).toMatchObject({
      kind: 'forward',
      status: 'stopped',
      end_reason: 'client_closed',
      bytes_in: 20 * MB,
      bytes_out: 20 * MB,
      recordings: [],
      channels: [
        {
          kind: 'forward',
          command: `localhost:${said.port}`,
          bytes_in: 20 * MB,
          bytes_out: 20 * MB,
          ended_at: expect.stringMatching(/Z$/),
        },
      ],
    });
    expect((await events('channel.opened'))[0]?.detail).toMatchObject({
      capability: 'forward-local',
      place: `localhost:${said.port}`,
    });
  });

  test('-L half-closes: what answers only after the end of input is heard', async () => {
    const port = await freePort();
    await using _ = await tunnel(['-L', `${port}:127.0.0.1:${hashed.port}`]);
    const bytes = randomBytes(MB);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect((await exchange(port, bytes)).toString()).toBe(sha256);
  });

  test('-W is the connection itself', async () => {
    const done = await stage.alice.ssh('alice+gate1', null, {
      more: ['-W', `127.0.0.1:${hashed.port}`],
      input: 'abc',
    });
    const sha256 = createHash('sha256').update('abc').digest('hex');
    expect({ ...done, stdout: done.stdout.toString() }).toMatchObject({
      status: 0,
      stdout: sha256,
    });
  });

  test('-D carries many connections at once, and refuses what is not named', async () => {
    const port = await freePort();
    await using _ = await tunnel(['-D', String(port)]);
    const many = Array.from({ length: 40 }, async (_one, number) => {
      const socket = await throughSocks(port, '127.0.0.1', said.port);
      if (socket === null) throw new Error('refused');
      const bytes = Buffer.from(`number ${number}`);
      const answer = new Promise<string>((resolve) =>
        socket.on('data', (chunk: Buffer) => resolve(chunk.toString())),
      );
      socket.write(bytes);
      expect(await within('an answer', answer)).toBe(`number ${number}`);
      return socket;
    });
    const sockets = await Promise.all(many);
    for (const socket of sockets) socket.end();
    for (const [host, to] of [
      ['127.0.0.1', outside.port],
      ['127.0.0.5', hashed.port],
      ['127.1', said.port],
      ['169.254.169.254', 80],
      ['example.com', said.port],
    ] as const) {
      expect(await throughSocks(port, host, to)).toBeNull();
      await denied(`${host}:${to}`);
    }
  });

  test('without the capability, or without forward_to, nothing is forwarded', async () => {
    for (const user of ['alice+web1', 'alice+bare1']) {
      const done = await stage.alice.ssh(user, null, {
        more: ['-W', `127.0.0.1:${said.port}`, '-o', 'LogLevel=INFO'],
      });
      expect(done.status).not.toBe(0);
      expect(done.stderr).toMatch(/administratively prohibited: no grant allows you forward-local/);
    }
    await denied(`127.0.0.1:${said.port}`);
  });

  test('a destination where nobody listens fails as it does with sshd', async () => {
    const done = await stage.alice.ssh('alice+gate1', null, {
      more: ['-W', `127.0.0.2:${hashed.port}`, '-o', 'LogLevel=INFO'],
    });
    expect(done.status).not.toBe(0);
    expect(done.stderr).toMatch(/connect failed: gate1 could not open 127\.0\.0\.2:/);
  });

  test('forwards share a connection with programs, and outlive them', async () => {
    const control = stage.alice.path('mux');
    const port = await freePort();
    await using _ = await tunnel(['-M', '-S', control, '-L', `${port}:127.0.0.1:${said.port}`]);
    const mux = ['-S', control];
    const first = stage.alice.ssh('alice+gate1', 'sleep 0.2; exit 3', { more: mux });
    expect((await exchange(port, Buffer.from('one'))).toString()).toBe('one');
    expect((await first).status).toBe(3);
    const late = await freePort();
    const args = ['-O', 'forward', '-L', `${late}:127.0.0.1:${said.port}`];
    expect(await stage.alice.ssh('alice+gate1', null, { more: [...mux, ...args] })).toMatchObject({
      status: 0,
    });
    expect((await exchange(late, Buffer.from('two'))).toString()).toBe('two');
    expect((await exchange(port, Buffer.from('three'))).toString()).toBe('three');
  });

  test('a terminated session takes its forwards with it', async () => {
    const port = await freePort();
    await using one = await tunnel(['-L', `${port}:127.0.0.1:${said.port}`]);
    const socket = dial(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write('x');
    await within('an answer', answered);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const [live] = (await stage.bastion.sessions('status=active')) as readonly SessionView[];
    expect(live).toMatchObject({ kind: 'forward' });
    await stage.bastion.api(`sessions/${live?.id}`, { method: 'DELETE' });
    await within('the end of the forward', closed);
    await eventually('the end of ssh', () => one.ended || null);
    expect(await stage.bastion.lastEnded()).toMatchObject({ end_reason: 'terminated' });
  });
});
