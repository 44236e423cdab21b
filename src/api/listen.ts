import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Door } from './door.ts';
import { asksForSocket, WebSockets } from './web-sockets.ts';

/** Milliseconds for a request's headers, and for a whole request with its body. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 60_000;

/** Milliseconds between looks at which connections have taken longer. */
const CHECK_MS = 5000;

/** Connections at once. */
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
  /** Connections at once, as in door.ts; 1000. */
  readonly most?: number;
}): Promise<HttpServer> {
  const listener = getRequestListener(options.fetch);
  // Other upgrades (h2c) are answered as if they had not been asked for (RFC 9110 §7.8).
  const server = createServer(
    { shouldUpgradeCallback: asksForSocket, connectionsCheckingInterval: CHECK_MS },
    listener,
  );
  const door = new Door(options.most ?? MOST_CONNECTIONS);
  server.on('connection', (socket) => door.admit(socket));
  server.on('request', ({ socket }) => door.asked(socket));
  server.on('upgrade', ({ socket }) => door.asked(socket));
  const sockets = new WebSockets(server, options.fetch);
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
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
