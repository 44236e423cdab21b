import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** Bytes of a message: of who only listens, and of who has something to say. */
const LONGEST_MESSAGE = { listens: 1024, talks: 64 * 1024 } as const;

/** Milliseconds that what is open has to end when the server stops. */
const GOING_AWAY_MS = 1000;

/** RFC 6455 §7.4.1: the endpoint goes away, and may come back. */
const GOING_AWAY = 1001;

/** Bytes of a refusal's body. */
const LONGEST_REFUSAL = 64 * 1024;

type Fetch = (request: Request, env: object) => Response | Promise<Response>;

/** What the other side of a socket does. */
type Manner = keyof typeof LONGEST_MESSAGE;

/** Stands in the environment of a request that asks for a WebSocket. */
export interface Upgrade {
  /**
   * `use` gets the socket when the route has answered with a success; else the answer goes out. `protocol`:
   * empty for none.
   */
  accept(protocol: string, use: (socket: WebSocket) => void, manner?: Manner): void;
  /** The subprotocols that the client offers, in its order. */
  readonly protocols: readonly string[];
}

/** What was accepted of one request. */
interface Accepted {
  readonly protocol: string;
  readonly manner: Manner;
  readonly use: (socket: WebSocket) => void;
}

/** A comma-separated header's values. */
function valuesOf(header: string | undefined): readonly string[] {
  return (header ?? '')
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

/** Whether a request is to be answered by `WebSockets`: for `shouldUpgradeCallback` of node:http. */
export function asksForSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

function requestOf(incoming: IncomingMessage): Request | null {
  const url = URL.parse(incoming.url ?? '', `http://${incoming.headers.host ?? 'localhost'}`);
  if (url === null) return null;
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headersDistinct)) {
    for (const one of value ?? []) headers.append(name, one);
  }
  return new Request(url, { headers });
}

/**
 * WebSockets (RFC 6455) beside a `fetch`: each request for one goes through it as any GET does, with an
 * `Upgrade` in its environment (`env.upgrade`), so that who asks and what they may is found out in the
 * same way. What no route accepts is answered with the route's response.
 */
export class WebSockets {
  readonly #fetch: Fetch;
  readonly #servers: Readonly<Record<Manner, WebSocketServer>>;
  readonly #protocols = new WeakMap<IncomingMessage, string>();
  /** Whose answer is being found. */
  readonly #asking = new Set<Duplex>();

  constructor(server: Server, fetch: Fetch) {
    this.#fetch = fetch;
    this.#servers = { listens: this.#serverFor('listens'), talks: this.#serverFor('talks') };
    server.on('upgrade', (incoming, socket, head) => {
      this.#asking.add(socket);
      const fail = (): void => void socket.destroy();
      socket.on('error', fail);
      this.#answer(incoming, socket, head)
        .catch(fail)
        .finally(() => {
          this.#asking.delete(socket);
          socket.off('error', fail);
        });
    });
  }

  /** Ends all; settles when they have ended, within a second. */
  async close(): Promise<void> {
    for (const socket of this.#asking) socket.destroy();
    const open = Object.values(this.#servers).flatMap(({ clients }) => [...clients]);
    const ended = open.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of open) socket.close(GOING_AWAY, 'the server stops');
    const late = setTimeout(() => {
      for (const socket of open) socket.terminate();
    }, GOING_AWAY_MS);
    await Promise.all(ended);
    clearTimeout(late);
  }

  #serverFor(manner: Manner): WebSocketServer {
    return new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: LONGEST_MESSAGE[manner],
      handleProtocols: (_, incoming) => this.#protocols.get(incoming) ?? false,
    });
  }

  async #answer(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const request = asksForSocket(incoming) ? requestOf(incoming) : null;
    if (request === null) return await refuse(socket, new Response(null, { status: 400 }));
    const { accepted, response } = await this.#ask(incoming, request);
    if (socket.destroyed) return;
    if (!response.ok || accepted === null) return await refuse(socket, response);
    this.#protocols.set(incoming, accepted.protocol);
    this.#servers[accepted.manner].handleUpgrade(incoming, socket, head, (open) => {
      // An error is followed by a close, which is what counts.
      open.on('error', () => undefined);
      accepted.use(open);
    });
  }

  async #ask(
    incoming: IncomingMessage,
    request: Request,
  ): Promise<{ readonly accepted: Accepted | null; readonly response: Response }> {
    const found: { accepted: Accepted | null } = { accepted: null };
    const upgrade: Upgrade = {
      protocols: valuesOf(incoming.headers['sec-websocket-protocol']),
      accept: (protocol, use, manner = 'listens') => {
        found.accepted = { protocol, use, manner };
      },
    };
    const response = await this.#fetch(request, { incoming, upgrade });
    return { accepted: found.accepted, response };
  }
}

/** Answers as a plain request would be answered, and closes. */
async function refuse(socket: Duplex, response: Response): Promise<void> {
  const status = response.ok ? 400 : response.status;
  const body = Buffer.from(await response.arrayBuffer()).subarray(0, LONGEST_REFUSAL);
  const headers = [...response.headers].filter(([name]) => !/^content-length$/i.test(name));
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  const whole = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
  socket.end(whole, () => socket.destroy());
}
