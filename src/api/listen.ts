import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { asksForSocket, WebSockets } from './web-sockets.ts';

/** Milliseconds for a request's headers, and for a whole request with its body. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;

/** Connections at once; further ones are refused by the kernel's queue. */
const MOST_CONNECTIONS = 1000;

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** Stops accepting and ends what is open; settles when all is closed. */
  close(): Promise<void>;
}

type Fetch = (request: Request, env: object) => Response | Promise<Response>;

/** Serves `fetch` over HTTP/1.1, WebSockets included (web-sockets.ts). Rejects when the address cannot be listened on. */
export function listenHttp(options: {
  readonly fetch: Fetch;
  readonly host: string;
  readonly port: number;
}): Promise<HttpServer> {
  const listener = getRequestListener(options.fetch);
  // Other upgrades (h2c) are answered as if they had not been asked for (RFC 9110 §7.8).
  const server = createServer({ shouldUpgradeCallback: asksForSocket }, listener);
  const sockets = new WebSockets(server, options.fetch);
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  server.maxConnections = MOST_CONNECTIONS;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.removeListener('error', reject);
      const { address, port } = server.address() as AddressInfo;
      resolve({ host: address, port, close: () => close(server, sockets) });
    });
  });
}

async function close(server: Server, sockets: WebSockets): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
  await sockets.close();
  await closed;
}
