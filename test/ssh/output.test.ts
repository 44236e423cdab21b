import { once } from 'node:events';
import type { ServerChannel } from 'ssh2';
import { expect, test } from 'vitest';
import { exitInfo, finishChannel, sendEof } from '../../src/ssh/channel.ts';
import { openSession } from '../../src/ssh/pty.ts';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';
import { bothLegs, Lab } from './lab.ts';
import { collect, digest, exec, MIB, pattern, withWindow } from './output-lab.ts';
import { Attacker, inside, within } from './raw-peer.ts';

test.each(['stdout first', 'stderr first'])(
  'stdout and stderr past a full window arrive whole (%s)',
  async (order) => {
    const [out, err] = [pattern(5 * MIB, 1), pattern(5 * MIB, 2)];
    await using legs = await bothLegs({
      onExec: (channel) => {
        if (order === 'stderr first') channel.stderr.write(err);
        channel.write(out);
        if (order === 'stdout first') channel.stderr.write(err);
        void finishChannel(channel, { status: 3 });
      },
    });
    const channel = await openSession(legs.client, exec('x'));
    const closed = once(channel, 'close');
    const [gotOut, gotErr] = await within(
      Promise.all([collect(channel), collect(channel.stderr)]),
      'all the output',
    );
    expect([digest(gotOut), digest(gotErr)]).toEqual([digest(out), digest(err)]);
    await within(closed, 'the end of the channel');
    expect(exitInfo(channel)).toEqual({ status: 3 });
  },
);

test('stdout, then stderr, past a window that opens step by step: nothing twice, nothing lost', async () => {
  await using run = await withWindow(10);
  run.channel.write('a'.repeat(15));
  run.channel.stderr.write('b'.repeat(15));
  await run.attacker.hears(94);
  for (let steps = 0; steps < 5; steps++) run.attacker.send(message(93, uint32(0), uint32(4)));
  await run.attacker.hears(95, 4);
  const text = (type: number, at: number) =>
    run.attacker.payloads
      .filter((payload) => payload[0] === type)
      .map((payload) => payload.toString('latin1', at))
      .join('');
  expect(text(94, 9)).toBe('a'.repeat(15));
  expect(text(95, 13)).toBe('b'.repeat(15));
});

test('end() on the server waits for stderr', async () => {
  const err = pattern(3 * MIB, 3);
  await using legs = await bothLegs({
    onExec: (channel) => {
      channel.stderr.write(err);
      channel.end('out');
    },
  });
  const channel = await openSession(legs.client, exec('x'));
  const got = within(Promise.all([collect(channel), collect(channel.stderr)]), 'all');
  const [out, gotErr] = await got;
  expect(out.toString()).toBe('out');
  expect(gotErr.length).toBe(err.length);
});

test.each([
  ['the peer closes the channel', (attacker: Attacker) => attacker.send(message(97, uint32(0)))],
  ['the connection is lost', (attacker: Attacker) => inside(attacker.client)._sock.destroy()],
])('callbacks of held writes come when %s', async (_, act) => {
  await using run = await withWindow(0);
  const calls = [
    new Promise((resolve) => run.channel.write('one', resolve)),
    new Promise((resolve) => run.channel.write('two', resolve)),
    new Promise((resolve) => run.channel.stderr.write('three', resolve)),
  ];
  act(run.attacker);
  await within(Promise.all(calls), 'the callbacks');
  await within(new Promise((resolve) => run.channel.write('late', resolve)), 'a late callback');
});

test('a closed channel drops what it held, and its callbacks come', async () => {
  await using run = await withWindow(0);
  const wrote = new Promise((resolve) => run.channel.write('held', resolve));
  run.channel.close();
  await within(wrote, 'the callback');
});

test('half a close leaves the other direction open', async () => {
  await using legs = await bothLegs({
    onExec: (channel) => {
      channel.write('first');
      sendEof(channel);
      channel.on('end', () => void finishChannel(channel, { status: 0 }));
      channel.resume();
    },
  });
  const channel = await openSession(legs.client, exec('x'));
  const output = await within(collect(channel), 'the output');
  expect(output.toString()).toBe('first');
  const closed = once(channel, 'close');
  channel.stderr.resume();
  channel.write('still here');
  channel.end();
  await within(closed, 'the end');
  expect(exitInfo(channel)).toEqual({ status: 0 });
});

test('a client with a huge window that does not read costs little memory', async () => {
  await using run = await withWindow(0xffffffff);
  const socket = inside(run.lab.connections[0]?.connection)._sock;
  inside(run.attacker.client)._sock.pause();
  const chunk = Buffer.alloc(MIB);
  let written = 0;
  while (run.channel.write(chunk) && written < 64) written += 1;
  run.channel.write(Buffer.alloc(32 * MIB));
  await within(
    new Promise<void>((resolve) => {
      const look = () => (socket.writableLength > 512 * 1024 ? resolve() : setImmediate(look));
      look();
    }),
    'a full socket',
  );
  // The kernel takes some, on both sides.
  expect(written).toBeLessThan(16);
  expect(socket.writableLength).toBeLessThan(MIB);
  const drained = once(run.channel, 'drain');
  inside(run.attacker.client)._sock.resume();
  await within(drained, 'drain');
});

test('one busy channel does not keep another one waiting for the socket', async () => {
  await using run = await withWindow(0xffffffff);
  run.attacker.openSession(0xffffffff, 32_768, 1);
  await run.attacker.hears(91, 2);
  run.attacker.request('exec', true, wireString('y'), 1);
  await run.attacker.hears(99, 2);
  const sock = inside(run.attacker.client)._sock;
  sock.pause();
  run.channel.write(Buffer.alloc(24 * MIB));
  const second = run.lab.channels[1];
  second?.write('small');
  sock.resume();
  const isFor = (id: number) => (payload: Buffer) =>
    payload[0] === 94 && payload.readUInt32BE(1) === id;
  await run.attacker.hears(94, 500);
  const before = run.attacker.payloads.findIndex(isFor(1));
  expect(before).toBeGreaterThan(-1);
  expect(run.attacker.payloads.slice(before).filter(isFor(0)).length).toBeGreaterThan(0);
});

test('many answers that nobody reads end the connection', async () => {
  await using lab = await Lab.start({ limits: { maxGlobalRequests: 1e9 } });
  await using attacker = await Attacker.ready(lab.port);
  attacker.openSession();
  await attacker.hears(91);
  attacker.request('exec', true, wireString('x'));
  await attacker.hears(99);
  const sock = inside(attacker.client)._sock;
  sock.pause();
  const ping = message(192, wireString(Buffer.alloc(30_000)));
  const killed = lab.tells(/killed the peer does not read/);
  let isOver = false;
  void killed.then(() => (isOver = true));
  const flood = () => {
    if (isOver || sock.destroyed) return;
    for (let times = 0; times < 20; times++) attacker.send(ping);
    setImmediate(flood);
  };
  flood();
  await killed;
  isOver = true;
  sock.destroy();
});

test('a busy connection lets others have their turn', async () => {
  const reads: number[] = [];
  await using lab = await Lab.start({
    onExec: (channel) => {
      channel.on('data', (bytes: Buffer) => {
        const at = reads.length - 1;
        reads[at] = (reads[at] ?? 0) + bytes.length;
      });
    },
  });
  await using attacker = await Attacker.ready(lab.port);
  attacker.openSession();
  await attacker.hears(91);
  attacker.request('exec', true, wireString('x'));
  await attacker.hears(99);
  const turn = () => {
    reads.push(0);
    if (reads.length < 5_000) setImmediate(turn);
  };
  turn();
  const chunk = wireString(Buffer.alloc(32_000));
  for (let sent = 0; sent < 60; sent++) attacker.send(message(94, uint32(0), chunk));
  const total = () => reads.reduce((sum, bytes) => sum + bytes, 0);
  await within(
    new Promise<void>((resolve) => {
      const look = () => (total() >= 60 * 32_000 ? resolve() : setImmediate(look));
      look();
    }),
    'all the data',
  );
  expect(Math.max(...reads)).toBeLessThan(300_000);
});

test('a channel that nobody reads says close all the same', async () => {
  let server: ServerChannel | undefined;
  await using lab = await Lab.start({
    onExec: (channel) => {
      server = channel;
    },
  });
  await using attacker = await Attacker.ready(lab.port);
  attacker.openSession();
  await attacker.hears(91);
  attacker.request('exec', true, wireString('x'));
  await attacker.hears(99);
  attacker.send(message(94, uint32(0), wireString('unread')), message(97, uint32(0)));
  await attacker.hears(97);
  if (!server) throw new Error('no channel');
  await within(once(server, 'close'), 'close', 7_000);
}, 8_000);

test('close of a client channel comes after its stderr was read', async () => {
  const err = pattern(MIB, 9);
  await using legs = await bothLegs({
    onExec: (channel) => {
      channel.stderr.write(err);
      void finishChannel(channel, { status: 1 });
    },
  });
  const channel = await openSession(legs.client, exec('x'));
  let got = 0;
  channel.resume();
  const closed = once(channel, 'close').then(() => got);
  // The reader comes late, when the machine has long closed.
  const { incoming } = channel as unknown as { incoming: { state: string } };
  await within(
    new Promise<void>((resolve) => {
      const look = () => (incoming.state === 'open' ? setImmediate(look) : resolve());
      look();
    }),
    'the end at the machine',
  );
  channel.stderr.on('data', (bytes: Buffer) => {
    got += bytes.length;
  });
  expect(await within(closed, 'close')).toBe(err.length);
});
