import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type {
  AnswerAt,
  BodyAt,
  DataAt,
  ListKey,
  Method,
  PathOf,
  QueryAt,
  RowAt,
  Worded,
} from '../client/calls.ts';
import { type Call, PosternClient, type Query } from '../client/client.ts';
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
  readonly #client: PosternClient;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.#client = new PosternClient({ url: endpoint.url, token: () => endpoint.token.expose() });
  }

  static of(shell: Shell): ApiClient {
    return new ApiClient(findEndpoint(shell.env));
  }

  /** The `data` of the answer. */
  async get<const P extends PathOf<'GET'>>(
    path: P,
    query?: Worded<QueryAt<'GET', P>>,
  ): Promise<DataAt<'GET', P>> {
    return (await this.#data({ method: 'GET', path, query: query ?? {} })) as DataAt<'GET', P>;
  }

  /** An answer without an envelope, as those about stacks are. */
  async plain<const P extends PathOf<'GET'>>(
    path: P,
    query?: Worded<QueryAt<'GET', P>>,
  ): Promise<AnswerAt<'GET', P>> {
    const call = { method: 'GET', path, query: query ?? {} } as const;
    return (await this.#answer(call)) as AnswerAt<'GET', P>;
  }

  async send<const M extends Exclude<Method, 'GET'>, const P extends PathOf<M>>(
    method: M,
    path: P,
    body?: Worded<BodyAt<M, P>>,
  ): Promise<DataAt<M, P>> {
    return (await this.#data({ method, path, body })) as DataAt<M, P>;
  }

  /** At most `most` rows of a list, page after page. */
  async list<const P extends PathOf<'GET'>, Key extends ListKey<P>>(
    path: P,
    key: Key,
    query: Worded<QueryAt<'GET', P>>,
    most: number,
  ): Promise<readonly RowAt<P, Key>[]> {
    const rows: RowAt<P, Key>[] = [];
    let cursor: string | undefined;
    do {
      const limit = Math.min(PAGE, most - rows.length);
      const asked = { ...(query as Query), limit, cursor };
      const data = await this.#data({ method: 'GET', path, query: asked });
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
    const url = this.#client.url(path, query);
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

  async #data(call: Omit<Call, 'signal'>): Promise<unknown> {
    return at(await this.#answer(call), 'data');
  }

  async #answer(call: Omit<Call, 'signal'>): Promise<unknown> {
    const signal = AbortSignal.timeout(call.body === undefined ? DEADLINE : LONG_DEADLINE);
    const response = await this.#fetch({ ...call, signal });
    if (!response.ok) throw await this.#failure(call.path, response);
    try {
      return await response.json();
    } catch (error) {
      throw strange(call.path, error);
    }
  }

  async #fetch(call: Call): Promise<Response> {
    try {
      return await this.#client.fetch(call);
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
    const plain = textAt(body, 'error') === null ? null : textAt(body, 'details');
    if (plain !== null && response.status !== 401) {
      return new CommandFailure(1, printable(plain, 500));
    }
    const code = plain === null ? textAt(body, 'error.code') : 'UNAUTHORIZED';
    const message = textAt(body, 'error.message');
    if (code === 'UNAUTHORIZED') {
      return new CommandFailure(1, `${this.#endpoint.url} does not accept the token`);
    }
    if (code === null || message === null) return strange(path, `status ${response.status}`);
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

function strange(path: string, cause?: unknown): CommandFailure {
  const more = cause === undefined ? '' : `: ${reasonOf(cause)}`;
  return new CommandFailure(1, `the answer to ${path} is not Postern's${more}`);
}
