export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON of the body; null when it is none. */
  readonly body: ApiBody | null;
}

/** The envelope of the `/v1` family (spec/api.md). */
interface ApiBody {
  readonly success: boolean;
  readonly data?: unknown;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly details?: unknown;
  };
}

/** The data of an answer that must be a good one. */
export function dataOf(answer: ApiAnswer): unknown {
  if (answer.status === 200 && answer.body !== null) return answer.body.data;
  throw new Error(`the API answered ${answer.status}: ${answer.text}`);
}

/** Calls the API; a string body is sent as it is, anything else as JSON. */
export async function callApi(
  url: string,
  init: { readonly method?: string; readonly body?: unknown; readonly token: string | null },
): Promise<ApiAnswer> {
  const { method = 'GET', body, token } = init;
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  let json: ApiBody | null = null;
  try {
    json = JSON.parse(text) as ApiBody;
  } catch {
    // Not every answer is JSON.
  }
  return { status: response.status, headers: response.headers, text, body: json };
}
