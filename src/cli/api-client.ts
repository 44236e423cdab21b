import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { printable, reasonOf } from '../domain/log.ts';
import { type Endpoint, findEndpoint } from './endpoint.ts';
import { CommandFailure, type Shell } from './shell.ts';
import { at, isRecord, textAt } from './wire.ts';

/** Milliseconds for an answer to begin; `postern apply` may have many passwords hashed. */
const DEADLINE = 30_000;
const LONG_DEADLINE = 300_000;

/** Bytes of one message: a screen of 1000 by 500, each character in a look of its own. */
const LONGEST_MESSAGE = 64 * 1024 * 1024;

/** Rows of one page. */
const PAGE = 100;

type Query = Readonly<Record<string, string | number | undefined>>;

/** A field that the server refused. */
interface Refusal {
  readonly field: string;
  readonly message: string;
}

/** The server said no. */
export class ApiFailure extends CommandFailure {
  readonly code: string;
  readonly refusals: readonly Refusal[];

  constructor(code: string, message: string, refusals: readonly Refusal[]) {
    const lines = refusals.map(({ field, message: why }) => `\n  ${field}: ${why}`);
    super(1, message + lines.join(''));
    this.name = 'ApiFailure';
    this.code = code;
    this.refusals = refusals;
  }
}

/** The `/v1` API, as the commands use it. Every failure is a CommandFailure that can be shown. */
export class ApiClient {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  static of(shell: Shell): ApiClient {
    return new ApiClient(findEndpoint(shell.env));
  }

  /** The `data` of the answer. */
  async get(path: string, query: Query = {}): Promise<unknown> {
    return dataOf(await this.#json('GET', path, query));
  }

  async send(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<unknown> {
    return dataOf(await this.#json(method, path, {}, body));
  }

  /** At most `most` rows of a list, page after page. */
  async list(path: string, key: string, query: Query, most: number): Promise<readonly unknown[]> {
    const rows: unknown[] = [];
    let cursor: string | undefined;
    do {
      const limit = Math.min(PAGE, most - rows.length);
      const data = await this.get(path, { ...query, limit, cursor });
      const page = isRecord(data) ? data[key] : null;
      if (!Array.isArray(page)) throw strange(path);
      rows.push(...page);
      cursor = textAt(data, 'pagination.next_cursor') ?? undefined;
    } while (cursor !== undefined && rows.length < most);
    return rows.slice(0, most);
  }

  /** A body to be read as it comes; only its beginning has a deadline. */
  async stream(path: string, query: Query = {}): Promise<ReadableStream<Uint8Array>> {
    const begun = new AbortController();
    const late = setTimeout(() => begun.abort(), DEADLINE);
    try {
      const response = await this.#fetch({ method: 'GET', path, query, signal: begun.signal });
      if (!response.ok) throw await this.#failure(path, response);
      if (response.body === null) throw strange(path);
      return response.body;
    } finally {
      clearTimeout(late);
    }
  }

  /** A WebSocket that is open, with this subprotocol, and paused: messages may have come already. */
  async socket(path: string, query: Query, protocol: string): Promise<WebSocket> {
    const url = this.#url(path, query);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, [protocol], {
      headers: { authorization: `Bearer ${this.#endpoint.token.expose()}` },
      handshakeTimeout: DEADLINE,
      maxPayload: LONGEST_MESSAGE,
      perMessageDeflate: false,
    });
    return await new Promise((resolve, reject) => {
      socket.once('open', () => {
        socket.pause();
        resolve(socket);
      });
      socket.on('error', (error) => reject(this.#unreachable(error)));
      socket.once('unexpected-response', (_, answer) => {
        this.#refusal(path, answer).then(reject, (error) => reject(this.#unreachable(error)));
      });
    });
  }

  async #refusal(path: string, answer: IncomingMessage): Promise<CommandFailure> {
    const pieces: Buffer[] = [];
    for await (const piece of answer) pieces.push(piece);
    const status = answer.statusCode ?? 0;
    return await this.#failure(path, { status, json: async () => parsed(pieces) });
  }

  #url(path: string, query: Query): URL {
    const url = new URL(this.#endpoint.url + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }

  async #json(method: string, path: string, query: Query, body?: unknown): Promise<unknown> {
    const signal = AbortSignal.timeout(body === undefined ? DEADLINE : LONG_DEADLINE);
    const response = await this.#fetch({ method, path, query, signal, body });
    if (!response.ok) throw await this.#failure(path, response);
    try {
      return await response.json();
    } catch (error) {
      throw strange(path, error);
    }
  }

  async #fetch(request: {
    readonly method: string;
    readonly path: string;
    readonly query: Query;
    readonly signal: AbortSignal;
    readonly body?: unknown;
  }): Promise<Response> {
    const { method, signal, body } = request;
    const url = this.#url(request.path, request.query);
    try {
      return await fetch(url, {
        method,
        signal,
        // Elsewhere the token must not be shown.
        redirect: 'error',
        headers: {
          authorization: `Bearer ${this.#endpoint.token.expose()}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): CommandFailure {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const { url, from } = this.#endpoint;
    const code = isRecord(cause) ? textAt(cause, 'code') : null;
    const why =
      error instanceof Error && /^(?:Abort|Timeout)Error$/.test(error.name)
        ? 'no answer in time'
        : null;
    return new CommandFailure(
      1,
      `no server answers at ${url} (from ${from}): ${why ?? code ?? reasonOf(cause)}. Is "postern serve" running?`,
      { cause },
    );
  }

  async #failure(
    path: string,
    response: Pick<Response, 'status' | 'json'>,
  ): Promise<CommandFailure> {
    const body: unknown = await response.json().catch(() => null);
    const code = textAt(body, 'error.code');
    const message = textAt(body, 'error.message');
    if (code === null || message === null) return strange(path, `status ${response.status}`);
    if (code === 'UNAUTHORIZED') {
      return new CommandFailure(1, `${this.#endpoint.url} does not accept the token`);
    }
    const details = at(body, 'error.details');
    const id = textAt(details, 'request_id');
    const refusals = Array.isArray(details) ? details.map(refusalOf) : [];
    const request = id === null ? '' : ` (request ${printable(id)})`;
    return new ApiFailure(code, printable(message, 500) + request, refusals);
  }
}

function parsed(pieces: readonly Buffer[]): unknown {
  return JSON.parse(Buffer.concat(pieces).toString('utf8'));
}

function refusalOf(detail: unknown): Refusal {
  return {
    field: printable(textAt(detail, 'field') ?? '?'),
    message: printable(textAt(detail, 'message') ?? '?', 500),
  };
}

function dataOf(body: unknown): unknown {
  return at(body, 'data');
}

function strange(path: string, cause?: unknown): CommandFailure {
  const more = cause === undefined ? '' : `: ${reasonOf(cause)}`;
  return new CommandFailure(1, `the answer to ${path} is not Postern's${more}`);
}
