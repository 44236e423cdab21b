import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type HttpServer, listenHttp } from '../../src/api/listen.ts';
import { eventually, within } from '../support/eventually.ts';

const MOST = 4;

let server: HttpServer;
const open: Socket[] = [];
beforeEach(async () => {
  const fetch = ({ url }: Request): Response =>
    new Response(url.endsWith('/held') ? new ReadableStream() : 'here');
  server = await listenHttp({ fetch, host: '0.0.0.0', port: 0, most: MOST });
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await server.close();
});

/** From one of this computer's addresses, which has said nothing yet. */
async function come(localAddress: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: server.port, localAddress });
  socket.on('error', () => undefined);
  open.push(socket);
  await within('a connection', once(socket, 'connect'));
  return socket;
}

/** What is answered: of `/held` the beginning, which is all that comes. */
async function ask(socket: Socket, path = '/'): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
  return await eventually('its answer', () => (text.includes('\r\n\r\n') ? text : null));
}

test('who stands in the door shuts it on nobody', async () => {
  const other = await come('127.0.0.2');
  await ask(other, '/held');
  const idle: Socket[] = [];
  for (let count = 0; count < 3 * MOST; count += 1) idle.push(await come('127.0.0.1'));
  const late = await come('127.0.0.3');
  expect(await ask(late)).toMatch(/^HTTP\/1.1 200/);
  expect(other.closed).toBe(false);
  await eventually('the oldest of them are gone', () =>
    idle.slice(0, 2 * MOST).every((socket) => socket.closed),
  );
});

test('who has asked nothing goes before who has', async () => {
  const asked = await come('127.0.0.1');
  await ask(asked, '/held');
  const idle = await come('127.0.0.1');
  const more: Socket[] = [];
  for (let count = 0; count < MOST - 1; count += 1) more.push(await come('127.0.0.1'));
  await within('one that has asked nothing goes', once(idle, 'close'));
  expect(asked.closed).toBe(false);
  expect(await ask(more.at(-1) ?? idle)).toMatch(/^HTTP\/1.1 200/);
});
