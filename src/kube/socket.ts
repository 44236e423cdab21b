import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { printable } from '../domain/log.ts';
import { ClusterFailure, unreachable } from './failure.ts';
import type { Access } from './questions.ts';
import { messageOf } from './status.ts';

/**
 * The only one of the subprotocols of remote commands in which input can end while output goes on; as
 * kubectl, we speak no other. API servers have it since Kubernetes 1.30.
 */
export const PROTOCOL = 'v5.channel.k8s.io';

/** From the dial to the answer, in milliseconds. */
const OPEN_MS = 30_000;

/** The longest message that is read, in bytes: a server's copies are of 32 KB. */
const MOST_MESSAGE = 4 * 1024 * 1024;

/** What is read of a refusal, in bytes. */
const MOST_REFUSAL = 64 * 1024;

/** Rejects with ClusterFailure. `path` with its query; the socket is paused: nothing has been read yet. */
export async function openSocket(access: Access, path: string): Promise<WebSocket> {
  const { server, ca, cert, key, servername, headers } = access;
  const socket = new WebSocket(`${server.replace(/^https:/, 'wss:')}${path}`, [PROTOCOL], {
    headers,
    ...(ca !== undefined && { ca: Buffer.from(ca) }),
    ...(cert !== undefined && { cert: Buffer.from(cert) }),
    ...(key !== undefined && { key: Buffer.from(key) }),
    ...(servername !== undefined && { servername }),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: OPEN_MS,
    perMessageDeflate: false,
    maxPayload: MOST_MESSAGE,
  });
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  socket.on('error', (error) => reject(unreachable(error)));
  socket.once('unexpected-response', (_request, response) => {
    refusal(response).then(reject, reject);
  });
  socket.once('open', () => {
    socket.pause();
    resolve(socket);
  });
  return await promise;
}

async function refusal(response: IncomingMessage): Promise<ClusterFailure> {
  const text = await textOf(response).catch(() => '');
  response.destroy();
  const said = messageOf(text);
  if (response.statusCode === 404) return new ClusterFailure('no_pod', printable(said, 300));
  if (said !== '') return new ClusterFailure('refused', printable(said, 300));
  // An API server says why. What knows none of the protocols that it is offered says 403 alone.
  if (response.statusCode === 403) {
    return new ClusterFailure('refused', `it does not speak ${PROTOCOL}, as Kubernetes 1.30 does`);
  }
  return new ClusterFailure('refused', `HTTP status ${response.statusCode ?? 0}`);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    chunks.push(chunk);
    if (size > MOST_REFUSAL) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
