import { once } from 'node:events';
import type { Client, ServerChannel, Session } from 'ssh2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Window } from '../../src/domain/terminal.ts';
import { finishChannel } from '../../src/ssh/channel.ts';
import { execBytes, onBreak, onPty, type PtyInfo } from '../../src/ssh/pty.ts';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';
import { Lab } from '../ssh/lab.ts';
import { eventually, within } from '../support/eventually.ts';
import { needs, the } from '../support/requirements.ts';
import { run } from '../support/run.ts';
import { startSshd, type TestSshd } from '../support/sshd.ts';
import { exec, openProxyStage, type ProxyStage, runOn, seen } from './stage.ts';

/** Answered after all that the client said before. */
function ping(client: Client): Promise<void> {
  return new Promise((resolve) => {
    client.forwardOut('127.0.0.1', 1, '127.0.0.1', 1, () => resolve());
  });
}

/** What the machine was asked, in order. */
interface Asked {
  readonly told: string[];
  pty: PtyInfo | null;
  command: Buffer | undefined;
}

needs('sshd', 'ssh-keygen').describe('what a client asks reaches the machine', () => {
  const asked: Asked = { told: [], pty: null, command: undefined };
  let stage: ProxyStage;
  let lab: Lab;
  let held: PromiseWithResolvers<void> | null = null;
  let knocked = Promise.withResolvers<void>();
  let program: (channel: ServerChannel) => void = () => undefined;

  function listen(session: Session): void {
    onPty(session, (accept, _reject, info) => {
      asked.pty = info;
      accept();
    });
    session.on('env', (_accept, _reject, { key, val }) => asked.told.push(`env ${key}=${val}`));
    session.on('signal', (_accept, _reject, { name }) => asked.told.push(`signal ${name}`));
    session.on('window-change', (_accept, _reject, { cols, rows }: Window) =>
      asked.told.push(`window ${cols}x${rows}`),
    );
    onBreak(session, (_accept, _reject, { lengthMs }) => asked.told.push(`break ${lengthMs}`));
  }

  beforeAll(async () => {
    stage = await openProxyStage();
    lab = await Lab.start({
      onAuth: (context) => {
        knocked.resolve();
        void (held?.promise ?? Promise.resolve()).then(() => context.accept());
      },
      onSession: listen,
      onExec: (channel) => {
        asked.command = execBytes(channel);
        asked.told.push('exec');
        program(channel);
      },
    });
    await stage.add({ name: 'box', port: lab.port });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  function fresh(next: (channel: ServerChannel) => void): void {
    asked.told.length = 0;
    program = next;
  }

  test('the terminal with its modes to the byte, the environment, the command to the byte', async () => {
    fresh((channel) => void finishChannel(channel, { status: 0 }));
    await using attacker = await stage.attack('alice+box');
    attacker.openSession();
    await attacker.hears(91);
    const modes = Buffer.from([53, 0, 0, 0, 1, 0x80, 1, 2, 3, 4, 128, 0, 0, 0x96, 0, 0]);
    const size = [132, 50, 660, 800].map(uint32);
    attacker.request(
      'pty-req',
      true,
      Buffer.concat([wireString('screen-256color'), ...size, wireString(modes)]),
    );
    await attacker.hears(99);
    attacker.request('env', false, Buffer.concat([wireString('LANG'), wireString('C.UTF-8')]));
    const command = Buffer.from([0x70, 0xff, 0x0a, 0x00, 0xe2, 0x82, 0x27]);
    attacker.request('exec', true, wireString(command));
    await attacker.hears(97);
    expect(asked.pty).toMatchObject({ term: 'screen-256color', cols: 132, rows: 50, width: 660 });
    expect(asked.pty?.modesRaw).toEqual(modes);
    expect(asked.told).toEqual(['env LANG=C.UTF-8', 'exec']);
    expect(asked.command).toEqual(command);
    const { id } = await stage.session();
    const row = await eventually('its end in the row', async () => {
      const [channel] = await stage.store.sessions.channels(id);
      return channel?.endedAt === null ? null : channel;
    });
    expect(row).toMatchObject({ pty: true, exitStatus: 0 });
  });

  test('resizes, signals and breaks of before the machine is up are delivered, the last size once', async () => {
    held = Promise.withResolvers<void>();
    knocked = Promise.withResolvers<void>();
    const heard = Promise.withResolvers<void>();
    fresh((channel) => channel.on('data', () => heard.resolve()));
    const client = await stage.connect('alice+box');
    const channel = await exec(client, 'x', { pty: { cols: 80, rows: 24 } });
    channel.setWindow(30, 100, 0, 0);
    channel.setWindow(40, 120, 0, 0);
    channel.signal('USR1');
    channel.signal('HUP');
    channel.write('early');
    await within('a knock', knocked.promise);
    await within('an answer', ping(client));
    held.resolve();
    held = null;
    await within('the input', heard.promise);
    expect(asked.pty).toMatchObject({ cols: 80, rows: 24 });
    expect(asked.told).toEqual(['exec', 'window 120x40', 'signal USR1', 'signal HUP']);
    channel.setWindow(24, 80, 0, 0);
    channel.signal('INT');
    await eventually('both', () => asked.told.length === 6);
    expect(asked.told.slice(4)).toEqual(['window 80x24', 'signal INT']);
    client.destroy();
    await stage.ended();
  });

  test('a break, with its length', async () => {
    fresh((channel) => channel.write('ready'));
    await using attacker = await stage.attack('alice+box');
    attacker.openSession();
    await attacker.hears(91);
    attacker.request('exec', true, wireString('x'));
    await attacker.hears(94);
    attacker.request('break', true, uint32(500));
    await attacker.hears(99, 2);
    await eventually('the break', () => asked.told.includes('break 500'));
  });

  test('input of before the machine is up is kept, all of it, with its end', async () => {
    held = Promise.withResolvers<void>();
    const input = Buffer.alloc(300_000, 'early input ');
    fresh((channel) => {
      const got: Buffer[] = [];
      channel.on('data', (chunk: Buffer) => got.push(chunk));
      channel.once('end', () => {
        channel.write(String(Buffer.concat(got).equals(input)));
        void finishChannel(channel, { status: 0 });
      });
    });
    const client = await stage.connect('alice+box');
    const channel = await exec(client, 'x');
    const done = seen(channel);
    channel.end(input);
    await once(channel, 'finish');
    held.resolve();
    held = null;
    expect((await done).out.toString()).toBe('true');
    client.end();
  });

  test('channels that come in one burst share one session and one connection', async () => {
    fresh((channel) => {
      channel.write('one of many');
      void finishChannel(channel, { status: 0 });
    });
    const [dials, connections] = [stage.dials(), lab.connections.length];
    const client = await stage.connect('alice+box');
    const all = await Promise.all(Array.from({ length: 10 }, () => runOn(client, 'x')));
    expect(all.map(({ out }) => out.toString())).toEqual(Array(10).fill('one of many'));
    expect([stage.dials(), lab.connections.length]).toEqual([dials + 1, connections + 1]);
    client.end();
    const session = await stage.ended();
    const channels = await stage.store.sessions.channels(session.id);
    expect(channels.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect([session.commandsCount, session.endReason]).toEqual([10, 'client_closed']);
  });

  test('a connection has 64 channels at once, and is told of the next that there are too many', async () => {
    fresh((channel) => channel.write('up'));
    const client = await stage.connect('alice+box');
    const channels = await Promise.all(Array.from({ length: 64 }, () => exec(client, 'x')));
    await Promise.all(channels.map((channel) => once(channel, 'data')));
    await expect(exec(client, 'x')).rejects.toThrow(/too many channels/);
    client.destroy();
    const session = await stage.ended();
    expect(session.bytesOut).toBe(128);
    expect(await stage.store.sessions.channels(session.id)).toHaveLength(64);
  });

  test('a second program on a channel, and a terminal after the start, are refused', async () => {
    fresh((channel) => channel.write('up'));
    await using attacker = await stage.attack('alice+box');
    attacker.openSession();
    await attacker.hears(91);
    attacker.request('exec', true, wireString('x'));
    await attacker.hears(94);
    attacker.request('shell', true);
    attacker.request('pty-req', true, Buffer.concat([wireString('xterm'), Buffer.alloc(20)]));
    await attacker.hears(100, 2);
    expect(asked.told).toEqual(['exec']);
  });

  test('a closed channel is answered, and nothing of it stays', async () => {
    fresh((channel) => channel.write('up'));
    await using attacker = await stage.attack('alice+box');
    attacker.openSession();
    await attacker.hears(91);
    attacker.request('exec', true, wireString('x'));
    await attacker.hears(94);
    attacker.send(message(97, uint32(0)));
    await attacker.hears(97);
    const { id } = await stage.session();
    await eventually('the row', async () => {
      const [channel] = await stage.store.sessions.channels(id);
      return channel?.endedAt;
    });
  });
});

needs('ssh', 'sshd').describe('with OpenSSH on both sides', () => {
  let stage: ProxyStage;
  let sshd: TestSshd;
  beforeAll(async () => {
    sshd = await startSshd();
    stage = await openProxyStage();
    await stage.addSshd('web', sshd);
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await sshd?.[Symbol.asyncDispose]();
  });

  test('a subsystem that the machine has not is refused with a line, and the session goes on', async () => {
    const client = await stage.connect('alice+web');
    const channel = await new Promise<Awaited<ReturnType<typeof exec>>>((resolve, reject) => {
      client.subsys('nonesuch', (error, made) => (error ? reject(error) : resolve(made)));
    });
    expect(await seen(channel)).toMatchObject({
      code: 255,
      err: 'postern: web refused the request: The machine refused the subsystem.\n',
    });
    expect(await runOn(client, 'echo on')).toMatchObject({ code: 0 });
    client.end();
    const session = await stage.ended();
    expect(session.endReason).toBe('client_closed');
    expect(await stage.store.sessions.channels(session.id)).toHaveLength(2);
  });

  test('a reader that leaves ends the program at once', async () => {
    const ssh = [the('ssh'), ...stage.alice.args('alice+web', ['--', 'yes'])];
    const line = `${ssh.map((word) => `'${word}'`).join(' ')} | head -n 1`;
    const begun = performance.now();
    const { stdout } = await run('/bin/sh', ['-c', line]);
    expect(stdout.toString()).toBe('y\n');
    expect(performance.now() - begun).toBeLessThan(8000);
    const session = await stage.ended();
    const [channel] = await stage.store.sessions.channels(session.id);
    expect(channel).toMatchObject({ command: 'yes', exitSignal: 'PIPE' });
  });

  test('a command that is not UTF-8 runs as it was typed', async () => {
    const name = Buffer.concat([Buffer.from('printf %s '), Buffer.from([0xe9, 0xff])]);
    await using attacker = await stage.attack('alice+web');
    attacker.openSession();
    await attacker.hears(91);
    attacker.request('exec', true, wireString(name));
    const said = await attacker.hears(94);
    expect(said.subarray(9)).toEqual(Buffer.from([0xe9, 0xff]));
  });
});
