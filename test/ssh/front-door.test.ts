import { expect, test } from 'vitest';
import { sourceOf } from '../../src/domain/source.ts';
import { printable } from '../../src/ssh/printable.ts';
import { Lab } from './lab.ts';
import { Attacker, inside, plainPacket, RawPeer, within } from './raw-peer.ts';

const IDENT = 'SSH-2.0-test\r\n';

test('a client that says nothing is gone when its grace is over', async () => {
  await using lab = await Lab.start({ limits: { graceMs: 150 } });
  await using _peer = await RawPeer.connect(lab.port);
  await lab.tells(/never identified itself/);
  await lab.empty();
  expect(lab.events[0]).toMatchObject({ type: 'grace', address: '127.0.0.1' });
  expect(lab.server.count).toBe(0);
});

test('a client that stops after its ident or in the key exchange is gone when its grace is over', async () => {
  await using lab = await Lab.start({ limits: { graceMs: 150 } });
  await using peer = await RawPeer.connect(lab.port);
  peer.say(IDENT);
  await lab.tells(/grace/);
  await lab.empty();
});

test.each([
  ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
  ['TLS', Buffer.from('160301020001000bfc0303', 'hex')],
  ['an old protocol', 'SSH-1.5-old\r\n'],
  ['control characters', 'SSH-2.0-\x1b[31mred\r\n'],
  ['an endless ident', `SSH-2.0-${'a'.repeat(400)}`],
  ['a greeting before the ident', `hello\r\n${IDENT}`],
])('a peer that begins with %s is closed, both ways', async (_, bytes) => {
  await using lab = await Lab.start();
  await using peer = await RawPeer.connect(lab.port);
  peer.say(bytes);
  await lab.tells(/never identified itself/, 2_000);
  await lab.empty();
  expect(lab.connections).toEqual([]);
});

test('garbage after the ident closes the socket, and the parser stays dead', async () => {
  await using lab = await Lab.start();
  await using peer = await RawPeer.connect(lab.port);
  peer.say(IDENT);
  peer.say(Buffer.alloc(64, 0xff));
  peer.socket.on('end', () => peer.say(Buffer.alloc(4_096, 0xff)));
  await lab.tells(/error/);
  await lab.empty(2_000);
  expect(lab.events.filter(({ type }) => type === 'error')).toHaveLength(1);
});

test('a packet that claims to be huge closes the connection', async () => {
  await using lab = await Lab.start();
  await using peer = await RawPeer.connect(lab.port);
  peer.say(IDENT);
  peer.say(Buffer.from('0ffffff80a140000', 'hex'));
  await lab.tells(/packet length/i);
  await lab.empty(2_000);
});

test('an ident in one-byte segments is understood', async () => {
  await using lab = await Lab.start();
  await using peer = await RawPeer.connect(lab.port);
  for (const char of IDENT) {
    peer.say(char);
    await peer.saidAll();
  }
  await lab.until(() => lab.connections.length === 1, 'a connection');
  expect(lab.connections[0]?.clientIdent).toBe('SSH-2.0-test');
});

test('an address gets only so many places before authentication, and they come back', async () => {
  await using lab = await Lab.start({ limits: { maxStartupsPerAddress: 2 } });
  const peers = [await RawPeer.connect(lab.port), await RawPeer.connect(lab.port)];
  await using _third = await RawPeer.connect(lab.port);
  await lab.tells(/refused/);
  for (const peer of peers) await peer[Symbol.asyncDispose]();
  await lab.until(() => lab.events.length >= 3, 'two ends');
  await using attacker = await Attacker.ready(lab.port);
  // An authenticated client takes no place of those who are not.
  await using fourth = await RawPeer.connect(lab.port);
  fourth.say(IDENT);
  await fourth.hears(/SSH-2/);
  expect(attacker.errors).toEqual([]);
});

test('there are only so many connections in all', async () => {
  await using lab = await Lab.start({ limits: { maxConnections: 1 } });
  await using _one = await Attacker.ready(lab.port);
  await using two = await RawPeer.connect(lab.port);
  await lab.tells(/refused/);
  expect(two.socket.destroyed).toBe(false);
  expect(lab.events).toMatchObject([{ type: 'refused', detail: 'too many connections' }]);
});

test('what a peer says reaches events without control characters', async () => {
  await using lab = await Lab.start();
  await using peer = await RawPeer.connect(lab.port);
  peer.say(IDENT);
  const text = Buffer.from('\x1b]0;evil\x07\r\nnext line');
  const size = Buffer.alloc(4);
  size.writeUInt32BE(text.length);
  peer.say(plainPacket(Buffer.concat([Buffer.from([1, 0, 0, 0, 2]), size, text, Buffer.alloc(4)])));
  await lab.tells(/evil/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
  expect(JSON.stringify(lab.events)).not.toMatch(/[\x00-\x1f\x7f]|\\u001b|\\r|\\n/);
  expect(printable('a\tb\\c')).toBe('a\\u{9}b\\\\c');
});

test('a connection knows its bytes, its end and why it was ended', async () => {
  await using lab = await Lab.start();
  await using attacker = await Attacker.ready(lab.port);
  const guarded = lab.connections[0];
  expect(guarded?.alive).toBe(true);
  expect(guarded?.bytesIn).toBeGreaterThan(500);
  expect(guarded?.bytesOut).toBeGreaterThan(500);
  guarded?.destroy('the grant ran out');
  await within(attacker.closed, 'the end of the client');
  await within(guarded?.closed ?? Promise.reject(new Error('none')), 'the end');
  expect(guarded).toMatchObject({ alive: false, destroyReason: 'the grant ran out' });
});

test('one source is an IPv4 address, mapped or not, or an IPv6 /64', () => {
  expect(sourceOf('::ffff:192.0.2.7')).toBe(sourceOf('192.0.2.7'));
  expect(sourceOf('2001:db8:0:1::5')).toBe(sourceOf('2001:db8:0:1:ffff::9'));
  expect(sourceOf('2001:db8:0:1::5')).not.toBe(sourceOf('2001:db8:0:2::5'));
  expect(sourceOf('::1')).toBe('0:0:0:0::/64');
});

test('keepalive finds out that a client is gone', async () => {
  await using lab = await Lab.start({ limits: { keepaliveMs: 30 } });
  await using attacker = await Attacker.ready(lab.port);
  inside(attacker.client)._sock.pause();
  await lab.tells(/Keepalive/);
  await lab.empty();
});
