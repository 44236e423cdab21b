import { expect, test } from 'vitest';
import { openSession } from '../../src/ssh/pty.ts';
import { message, uint32, wireString } from '../../src/ssh/wire.ts';
import { bothLegs, Lab } from './lab.ts';
import { collect, digest, exec, MIB, pattern, withWindow } from './output-lab.ts';
import { Attacker, inside, within } from './raw-peer.ts';

test('output waits for a re-key, then goes on; an unfinished re-key ends the connection', async () => {
  await using run = await withWindow(64 * MIB, { rekeyTimeoutMs: 300 });
  const server = inside(run.lab.connections[0]?.connection);
  const client = inside(run.attacker.client);
  server._protocol.rekey();
  run.channel.write(pattern(4 * MIB, 5));
  expect(server._protocol._queue ?? []).toHaveLength(0);
  await run.attacker.hears(94, 128);
  // Now the attacker goes silent in the middle.
  client._sock.pause();
  server._protocol.rekey();
  run.channel.write(pattern(4 * MIB, 6));
  expect(server._protocol._queue ?? []).toHaveLength(0);
  await run.lab.tells(/killed key re-exchange not finished/);
  client._sock.resume();
  await within(run.attacker.closed, 'the end');
});

test('keys are renewed by bytes on both legs, and the data is intact', async () => {
  const bytes = pattern(6 * MIB, 7);
  let rekeys = 0;
  const limits = { rekeyBytes: MIB };
  await using legs = await bothLegs(
    {
      limits,
      onSession: (_, connection) => connection.on('rekey', () => (rekeys += 1)),
      onExec: (channel) => {
        channel.pipe(channel);
      },
    },
    { limits },
  );
  const channel = await openSession(legs.client, exec('cat'));
  channel.end(bytes);
  const echoed = await within(collect(channel), 'the echo', 10_000);
  expect(digest(echoed)).toBe(digest(bytes));
  expect(rekeys).toBeGreaterThan(1);
});

test('a peer that goes on talking during its re-key is heard', async () => {
  const heard = Promise.withResolvers<string>();
  await using lab = await Lab.start({
    onExec: (channel) => void collect(channel).then((all) => heard.resolve(all.toString())),
  });
  await using attacker = await Attacker.ready(lab.port);
  const channel = await openSession(attacker.client, exec('cat'));
  const { outgoing } = channel as unknown as { outgoing: { id: number } };
  const protocol = inside(attacker.client)._protocol;
  protocol.rekey();
  const data = message(94, uint32(outgoing.id), wireString('said'));
  for (const payload of [message(2, wireString('')), message(4, Buffer.alloc(9)), data]) {
    // Past the queue of what waits for new keys.
    const packet = protocol._cipher.allocPacket(payload.length);
    packet.set(payload, 5);
    protocol._cipher.encrypt(packet);
  }
  channel.end(', and after');
  expect(await within(heard.promise, 'all that was said')).toBe('said, and after');
  expect(attacker.errors).toEqual([]);
});

test('keys are renewed by age', async () => {
  await using lab = await Lab.start({ limits: { rekeyMs: 0 } });
  await using attacker = await Attacker.ready(lab.port);
  const handshake = attacker.event('handshake');
  attacker.send(message(2, wireString('')));
  await handshake;
});

test('a storm of re-keys ends the connection', async () => {
  await using lab = await Lab.start();
  await using attacker = await Attacker.ready(lab.port);
  attacker.client.on('handshake', () => inside(attacker.client)._protocol.rekey());
  inside(attacker.client)._protocol.rekey();
  // Some hundred key exchanges, which take a while without the compiled addon.
  await within(attacker.closed, 'the end', 18_000);
  await lab.tells(/killed too many re-keys/);
});
