import { once } from 'node:events';
import type { ServerChannel } from 'ssh2';
import { expect, test } from 'vitest';
import { onEow, sendEow } from '../../src/ssh/channel.ts';
import { execBytes, onBreak, onPty, openSession, type PtyInfo } from '../../src/ssh/pty.ts';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';
import { bothLegs, Lab, type LabOptions } from './lab.ts';
import { Attacker, inject, within } from './raw-peer.ts';

const SUCCESS = 99;
const FAILURE = 100;
const size = Buffer.concat([80, 24, 0, 0].map(uint32));
const MODES = Buffer.from('01000000037f000000012a000000013500000000 00'.replace(' ', ''), 'hex');

/** A lab with a program running on channel 0. */
async function running(options: LabOptions = {}) {
  const lab = await Lab.start(options);
  const attacker = await Attacker.ready(lab.port);
  attacker.openSession();
  await attacker.hears(91);
  attacker.request('exec', true, wireString('sleep'));
  await attacker.hears(SUCCESS);
  return {
    lab,
    attacker,
    async [Symbol.asyncDispose]() {
      await attacker[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
}

test('a request of a running program that wants a reply gets one', async () => {
  await using run = await running();
  for (const name of [
    'keepalive@openssh.com',
    'winadj@putty.projects.tartarus.org',
    'env',
    'pty-req',
  ]) {
    run.attacker.request(name, true, uint32(1));
  }
  await run.attacker.hears(FAILURE, 4);
});

test.each(['shell', 'exec', 'subsystem'])(
  'a second program (%s) on one session is refused',
  async (name) => {
    await using run = await running();
    run.attacker.request(name, true, wireString('again'));
    await run.attacker.hears(FAILURE);
    expect(run.lab.channels).toHaveLength(1);
  },
);

test('signal, window-change and break arrive while the program runs, after end of file too', async () => {
  const seen: unknown[] = [];
  await using run = await running({
    onSession: (session) => {
      session.on('signal', (accept, _, info) => {
        seen.push(info.name);
        accept();
      });
      session.on('window-change', (_accept, _reject, info) => seen.push(info.cols));
      onBreak(session, (_accept, reject, info) => {
        seen.push(info.lengthMs);
        reject();
      });
    },
  });
  run.attacker.send(message(96, uint32(0)));
  run.attacker.request('signal', true, wireString('WINCH'));
  run.attacker.request('window-change', false, size);
  run.attacker.request('break', true, uint32(500));
  await run.attacker.hears(FAILURE);
  expect(seen).toEqual(['WINCH', 80, 500]);
  expect(run.attacker.count(SUCCESS)).toBe(2);
});

test("a flood of channel requests ends the connection, PuTTY's window probes do not", async () => {
  await using run = await running({ limits: { maxChannelRequests: 50 } });
  for (let times = 0; times < 500; times++)
    run.attacker.request('winadj@putty.projects.tartarus.org', true);
  await run.attacker.hears(FAILURE, 500);
  for (let times = 0; times < 60; times++) run.attacker.request('window-change', false, size);
  await within(run.attacker.closed, 'the end');
  await run.lab.tells(/too many channel requests/);
});

test('environment and command have bounds', async () => {
  const names: string[] = [];
  await using lab = await Lab.start({
    limits: { maxEnv: 3, maxEnvBytes: 100, maxExecBytes: 10 },
    onSession: (session) =>
      session.on('env', (accept, _, info) => {
        names.push(info.key);
        accept();
      }),
  });
  await using attacker = await Attacker.ready(lab.port);
  attacker.openSession();
  await attacker.hears(91);
  const env = (name: string, value: string) => Buffer.concat([wireString(name), wireString(value)]);
  attacker.request('env', true, env('A', '1'));
  attacker.request('env', true, env('BIG', 'x'.repeat(200)));
  attacker.request('env', false, env('C', '3'));
  attacker.request('exec', true, wireString('x'.repeat(11)));
  await attacker.hears(FAILURE, 2);
  expect(names).toEqual(['A']);
  expect(lab.channels).toEqual([]);
});

test('a terminal comes with its modes, parsed and verbatim, and goes on verbatim', async () => {
  const seen: PtyInfo[] = [];
  const options: LabOptions = {
    onSession: (session) =>
      onPty(session, (accept, _, info) => {
        seen.push(info);
        accept();
      }),
  };
  await using legs = await bothLegs(options);
  const pty = { term: 'xterm', cols: 120, rows: 40, width: 0, height: 0, modesRaw: MODES };
  await openSession(legs.client, { pty, program: { type: 'exec', command: 'x' } });
  expect(seen[0]).toMatchObject({ term: 'xterm', cols: 120, rows: 40, modesRaw: MODES });
  expect(seen[0]?.modes).toMatchObject({ VINTR: 3, IUTF8: 1, ECHO: 0 });
});

test('the bytes of a command are kept as they came', async () => {
  const command = Buffer.from('printf \xff\x00 \u001b', 'latin1');
  await using legs = await bothLegs({});
  await openSession(legs.client, { program: { type: 'exec', command } });
  const [channel] = legs.lab.channels;
  expect(channel && execBytes(channel)).toEqual(command);
});

test('eow is heard on both legs, by late listeners too', async () => {
  let server: ServerChannel | undefined;
  await using legs = await bothLegs({
    onExec: (channel) => {
      server = channel;
      sendEow(channel);
    },
  });
  const client = await openSession(legs.client, { program: { type: 'exec', command: 'x' } });
  sendEow(client);
  await within(new Promise<void>((resolve) => onEow(client, resolve)), 'eow at the client');
  const channel =
    server ??
    (() => {
      throw new Error('no channel');
    })();
  await within(new Promise<void>((resolve) => onEow(channel, resolve)), 'eow at the server');
  await within(new Promise<void>((resolve) => onEow(channel, resolve)), 'eow once more');
});

test('unknown messages are answered with UNIMPLEMENTED, and not for ever', async () => {
  await using run = await running();
  run.attacker.send(message(199, uint32(1)));
  await run.attacker.hears(3);
  for (let times = 0; times < 70; times++) run.attacker.send(message(199, uint32(1)));
  await within(run.attacker.closed, 'the end');
  await run.lab.tells(/too many unknown/);
});

test('a flood of global requests ends the connection', async () => {
  await using lab = await Lab.start({ limits: { maxGlobalRequests: 20 } });
  await using attacker = await Attacker.ready(lab.port);
  const keepalive = message(80, wireString('keepalive@openssh.com'), Buffer.of(1));
  attacker.send(keepalive);
  await attacker.hears(82);
  for (let times = 0; times < 30; times++) attacker.send(keepalive);
  await within(attacker.closed, 'the end');
  await lab.tells(/too many global requests/);
});

test('a machine that asks after the exit is answered', async () => {
  await using legs = await bothLegs({
    onExec: (channel) => {
      const { outgoing } = channel as unknown as { outgoing: { id: number } };
      const { connection } = legs.lab.connections[0] ?? {};
      const ask = (name: string, want: number, data: Buffer) =>
        message(98, uint32(outgoing.id), wireString(name), Buffer.of(want), data);
      inject(connection, ask('exit-status', 0, uint32(3)));
      (channel as unknown as { _callbacks: (() => void)[] })._callbacks.push(() =>
        channel.emit('answered'),
      );
      inject(connection, ask('keepalive@openssh.com', 1, Buffer.alloc(0)));
    },
  });
  const opening = openSession(legs.client, { program: { type: 'exec', command: 'x' } });
  await legs.lab.until(() => legs.lab.channels.length === 1, 'the program');
  await within(once(legs.lab.channels[0] ?? legs.client, 'answered'), 'the answer');
  await opening;
});
