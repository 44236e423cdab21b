import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { AlisStream, MAGIC } from '../../src/live/alis.ts';
import { command } from './capture.ts';

/** A server whose answer to the handshake and whose messages come in one piece. */
async function serving(messages: readonly Uint8Array[]) {
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    socket.cork();
    sockets.handleUpgrade(request, socket, head, (opened) => {
      for (const message of messages) opened.send(message);
      opened.close(1000);
    });
    socket.uncork();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('what comes in one piece with the answer to the handshake is shown', async () => {
  const alis = new AlisStream(0);
  const screen = { cols: 80, rows: 24, text: 'the screen so far\r\n' };
  await using server = await serving([MAGIC, alis.reset(screen), alis.output(1, 'and more\r\n')]);
  const env = { POSTERN_URL: server.url, POSTERN_TOKEN: 'pst_of_nobody' };
  expect(await command(['session', 'watch', 'sess_1'], env)).toEqual({
    status: 0,
    stdout: 'the screen so far\nand more\n',
    stderr: '',
  });
});
