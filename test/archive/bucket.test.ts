import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Bucket } from '../../src/archive/bucket.ts';
import { digestOf } from '../../src/archive/digest.ts';
import { Secret } from '../../src/domain/secret.ts';
import { within } from '../support/eventually.ts';

const AWAY = { trouble: 'away' };
const LENGTHY = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "x"\r\n\r\nthe beginning';

/** Takes connections, and says no more than `says`. */
let says = '';
let server: Server;
let sockets: Socket[];
let bucket: Bucket;

beforeEach(async () => {
  sockets = [];
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(says));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const place = {
    ...{ text: '', bucket: 'recordings', prefix: '', endpoint: `http://127.0.0.1:${port}` },
    ...{ region: 'us-east-1', pathStyle: true },
  };
  const secret = new Secret('secret');
  bucket = new Bucket(place, { accessKey: secret, secretKey: secret, sessionToken: null }, 300);
});
afterEach(async () => {
  bucket.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((closed) => server.close(closed));
});

async function read(name: string): Promise<void> {
  const { body } = await bucket.get(name);
  for await (const piece of body) expect(piece.length).toBeGreaterThan(0);
}

test('a store that takes a request and does not answer is away', async () => {
  says = '';
  const bytes = new Uint8Array(1000);
  const asked = [bucket.probe(), bucket.put('a', bytes, digestOf(bytes)), read('a')];
  const ended = asked.map((one) =>
    expect(within('it ends', one)).rejects.toMatchObject({ trouble: 'away' }),
  );
  await Promise.all(ended);
});

test('a store that ceases in the middle of an answer is away', async () => {
  says = LENGTHY;
  await expect(within('it ends', read('a'))).rejects.toMatchObject(AWAY);
});

test('what is under way ends when the bucket is closed', async () => {
  says = '';
  const asked = bucket.probe();
  bucket.close();
  await expect(within('it ends', asked)).rejects.toMatchObject(AWAY);
});

test('an answer that is no object of S3 is refused, with what was said', async () => {
  says = 'HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n';
  await expect(bucket.probe()).rejects.toMatchObject({
    trouble: 'refused',
    message: expect.stringContaining('301: endpoint or region is another one'),
  });
});
