import { expect, test } from 'vitest';
import { openSession } from '../../src/ssh/pty.ts';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';
import { bothLegs, Lab } from './lab.ts';
import { Attacker, inject, within } from './raw-peer.ts';

const CONFIRMATION = 91;
const OPEN_FAILURE = 92;
const CLOSE = 97;
const WINDOW = 2 ** 21;
const exec = (command: string) => ({ program: { type: 'exec', command } }) as const;

test.each([0, 1, 255])(
  'a maximum packet size of %i is refused, and nothing hangs',
  async (size) => {
    await using lab = await Lab.start({ onExec: (channel) => channel.write('hello') });
    await using attacker = await Attacker.ready(lab.port);
    attacker.openSession(WINDOW, size);
    await attacker.hears(OPEN_FAILURE);
    attacker.openSession();
    await attacker.hears(CONFIRMATION);
    attacker.request('exec', true, wireString('x'));
    await attacker.hears(94);
  },
);

test('a machine that grants a maximum packet size of 0 loses the connection', async () => {
  await using legs = await bothLegs({
    onSession: (session, connection) => {
      // Stands for the confirmation that this session's open is about to get.
      void session;
      inject(connection, message(91, uint32(0), uint32(0), uint32(WINDOW), uint32(0)));
    },
  });
  inject(legs.client, message(90, wireString('session'), uint32(0), uint32(WINDOW), uint32(32768)));
  await within(legs.closed, 'the end');
  expect(String(legs.errors[0])).toMatch(/packet size/);
});

test.each([
  ['open', message(90, wireString('session'), uint32(0))],
  ['confirmation', message(91, uint32(0), uint32(0))],
])('a truncated channel %s ends the connection', async (_, payload) => {
  await using lab = await Lab.start();
  await using attacker = await Attacker.ready(lab.port);
  attacker.send(payload);
  await within(attacker.closed, 'the end');
  await lab.tells(/killed (truncated|maximum)/);
});

test('only so many channels at once', async () => {
  await using lab = await Lab.start({ limits: { maxChannels: 3 } });
  await using attacker = await Attacker.ready(lab.port);
  for (let id = 0; id < 5; id++) attacker.openSession(WINDOW, 32_768, id);
  await attacker.hears(OPEN_FAILURE, 2);
  expect(attacker.count(CONFIRMATION)).toBe(3);
});

test('only so many channel opens in a while, and refusing has an end too', async () => {
  await using lab = await Lab.start({ limits: { maxChannels: 1_000, maxChannelOpens: 5 } });
  await using attacker = await Attacker.ready(lab.port);
  for (let id = 0; id < 8; id++) attacker.openSession(WINDOW, 32_768, id);
  await attacker.hears(OPEN_FAILURE, 3);
  for (let id = 0; id < 1_100; id++) attacker.openSession(WINDOW, 32_768, id);
  await within(attacker.closed, 'the end');
  await lab.tells(/too many channel opens/);
});

test('a channel closed before anything ran is answered and forgotten', async () => {
  await using lab = await Lab.start({ limits: { maxChannels: 2 } });
  await using attacker = await Attacker.ready(lab.port);
  for (let id = 0; id < 20; id++) {
    attacker.openSession();
    await attacker.hears(CONFIRMATION, id + 1);
    attacker.send(message(CLOSE, uint32(id)));
    await attacker.hears(CLOSE, id + 1);
  }
});

test('a client that sends more than its window loses the connection', async () => {
  await using lab = await Lab.start({ onExec: (channel) => channel.pause() });
  await using attacker = await Attacker.ready(lab.port);
  attacker.openSession();
  await attacker.hears(CONFIRMATION);
  attacker.request('exec', true, wireString('ignore'));
  await attacker.hears(99);
  const chunk = wireString(Buffer.alloc(32_000));
  for (let sent = 0; sent < WINDOW * 2; sent += 32_000)
    attacker.send(message(94, uint32(0), chunk));
  await within(attacker.closed, 'the end');
  await lab.tells(/killed window exceeded/);
});

test.each([94, 95])(
  'a machine that sends more than its window loses the connection (message %i)',
  async (type) => {
    await using legs = await bothLegs({
      onExec: (channel) => {
        const { outgoing } = channel as unknown as { outgoing: { id: number } };
        const code = type === 95 ? uint32(1) : Buffer.alloc(0);
        const chunk = message(type, uint32(outgoing.id), code, wireString(Buffer.alloc(32_000)));
        for (let sent = 0; sent < WINDOW * 2; sent += 32_000)
          inject(legs.lab.connections[0]?.connection, chunk);
      },
    });
    await openSession(legs.client, exec('flood')).catch(() => undefined);
    await within(legs.closed, 'the end');
    expect(String(legs.errors[0])).toMatch(/window exceeded/);
  },
);

test('a window that grows past 2^32 ends the connection', async () => {
  await using lab = await Lab.start();
  await using attacker = await Attacker.ready(lab.port);
  attacker.openSession(0xffffff00);
  await attacker.hears(CONFIRMATION);
  attacker.send(message(93, uint32(0), uint32(0x200)));
  await within(attacker.closed, 'the end');
  await lab.tells(/window too large/);
});

test('a window granted before the program runs counts', async () => {
  await using lab = await Lab.start({ onExec: (channel) => channel.write('hello') });
  await using attacker = await Attacker.ready(lab.port);
  attacker.openSession(0);
  await attacker.hears(CONFIRMATION);
  attacker.send(message(93, uint32(0), uint32(100)));
  attacker.request('exec', true, wireString('x'));
  await attacker.hears(94);
});

test('stderr after the end of file throws nothing', async () => {
  await using legs = await bothLegs({
    onExec: (channel) => {
      const { connection } = legs.lab.connections[0] ?? {};
      const { outgoing } = channel as unknown as { outgoing: { id: number } };
      const id = uint32(outgoing.id);
      inject(connection, message(96, id));
      inject(connection, message(95, id, uint32(1), wireString('late')));
      inject(connection, message(94, id, wireString('late')));
      inject(connection, message(97, id));
    },
  });
  const channel = await openSession(legs.client, exec('x'));
  channel.resume();
  channel.stderr.resume();
  await within(new Promise((resolve) => channel.once('close', resolve)), 'the end of the channel');
  expect(legs.errors).toEqual([]);
});

test('a machine opens no channels by itself', async () => {
  await using legs = await bothLegs({});
  const { connection } = legs.lab.connections[0] ?? {};
  for (let id = 0; id < 1_200; id++) {
    inject(
      connection,
      message(90, wireString('session'), uint32(id), uint32(WINDOW), uint32(32768)),
    );
  }
  await within(legs.closed, 'the end');
  expect(String(legs.errors[0])).toMatch(/too many channel opens/);
});
