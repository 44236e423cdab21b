import { expect, test } from 'vitest';
import { sendToSyslog, syslogMessage } from '../../src/outbound/syslog.ts';
import { eventually } from '../support/eventually.ts';
import { startStreamSyslog, startUdpSyslog } from '../support/syslog-server.ts';

const AT = new Date('2026-03-01T10:00:00.000Z');
const HEAD = /^<109>1 2026-03-01T10:00:00\.000Z [!-~]+ postern \d+ seal - \ufeff/;

test('a message is as RFC 5424 has it', () => {
  const message = syslogMessage('seal', '{"text":"ünï"}', AT);
  expect(message).toMatch(HEAD);
  expect(message.replace(HEAD, '')).toBe('{"text":"ünï"}');
});

test('messages are brought over UDP, one a datagram', async () => {
  await using server = await startUdpSyslog();
  const address = { type: 'syslog', transport: 'udp', host: '127.0.0.1' } as const;
  await sendToSyslog({ ...address, port: server.port }, ['one', 'zwei ü']);
  const { messages } = server;
  expect(await eventually('both', () => messages.length === 2 && messages)).toEqual([
    'one',
    'zwei ü',
  ]);
});

test('messages are brought over TCP, with their length in bytes in front', async () => {
  await using server = await startStreamSyslog();
  const address = { type: 'syslog', transport: 'tcp', host: '127.0.0.1' } as const;
  await sendToSyslog({ ...address, port: server.port }, ['one', 'zwei ü', 'a\nb']);
  const { messages } = server;
  expect(await eventually('all', () => messages.length === 3 && messages)).toEqual([
    'one',
    'zwei ü',
    'a\nb',
  ]);
});

test('a server that is not there has taken nothing', async () => {
  const server = await startStreamSyslog();
  const { port } = server;
  await server[Symbol.asyncDispose]();
  for (const transport of ['tcp', 'tls'] as const) {
    const address = { type: 'syslog', host: '127.0.0.1', port, transport } as const;
    await expect(sendToSyslog(address, ['one'])).rejects.toThrow('ECONNREFUSED');
  }
});
