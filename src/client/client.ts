import type { AnswerAt, BodyAt, Method, PathOf, QueryAt } from './calls.ts';

export type Query = Readonly<Record<string, string | number | undefined>>;

/** Where the API is, and who asks. */
export interface ClientOptions {
  /** `https://bastion.example`, without a slash at its end. */
  readonly url: string;
  readonly token: () => string;
}

export interface Call {
  readonly method: Method;
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** The API answered with a status that is none of success. */
export class ClientFailure extends Error {
  readonly status: number;
  /** JSON, as the API answers failures; null when it was none. */
  readonly body: unknown;

  constructor(call: Pick<Call, 'method' | 'path'>, status: number, body: unknown) {
    super(`${call.method} ${call.path} was answered with ${status}`);
    this.name = 'ClientFailure';
    this.status = status;
    this.body = body;
  }
}

/** The HTTP API, with the types of docs/openapi.json. Rejects with what `fetch` rejects with too. */
export class PosternClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  url(path: string, query: Query = {}): URL {
    const url = new URL(this.#options.url + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }

  /** The answer, whatever it is. */
  async fetch({ method, path, query, body, signal }: Call): Promise<Response> {
    return await fetch(this.url(path, query), {
      method,
      signal,
      // Elsewhere the token must not be shown.
      redirect: 'error',
      headers: {
        authorization: `Bearer ${this.#options.token()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** The JSON of an answer that went well. Throws ClientFailure, and SyntaxError for what is no JSON. */
  async call<const M extends Method, const P extends PathOf<M>>(
    method: M,
    path: P,
    asked: {
      readonly query?: QueryAt<M, P>;
      readonly body?: BodyAt<M, P>;
      readonly signal: AbortSignal;
    },
  ): Promise<AnswerAt<M, P>> {
    const { query, body, signal } = asked;
    const call: Call = { method, path, body, signal, ...(query === undefined ? {} : { query }) };
    const response = await this.fetch(call);
    if (response.ok) return (await response.json()) as AnswerAt<M, P>;
    throw new ClientFailure(call, response.status, await response.json().catch(() => null));
  }
}
