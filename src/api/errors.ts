import type { Hook } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { HTTP_STATUS } from '../domain/error-entry.ts';
import { CATALOGUE, type FieldProblem, PosternError, sentence } from '../domain/errors.ts';
import { printable, reasonOf, rootReasonOf } from '../domain/log.ts';
import type { ApiEnv } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { failure } from './envelope.ts';
import { isPlain, plainFailure } from './plain-failure.ts';
import { problemsOf } from './problems.ts';

/** Statuses that HTTP asks for where the catalogue has only the API's eight. */
const OWN_STATUS: Readonly<Record<string, 405 | 413 | 416 | 426>> = {
  'request.method': 405,
  'request.too_large': 413,
  'request.range': 416,
  'live.no_socket': 426,
  'terminal.no_socket': 426,
};

/** Turns what validation found into `request.invalid` with one problem for each bad field. */
export const invalid: Hook<unknown, ApiEnv, string, unknown> = (result) => {
  if (!result.success) {
    throw new PosternError('request.invalid', {}, { problems: problemsOf(result.error.issues) });
  }
};

function invalidField(field: string, message: string): PosternError {
  return new PosternError('request.invalid', {}, { problems: [{ field, message }] });
}

/** Throws `request.invalid` for one field that only the store could judge. */
export function refuse(field: string, message: string): never {
  throw invalidField(field, message);
}

/** What the framework throws on its own: a body that is no JSON, a media type that no route takes. */
function ofFramework(error: HTTPException): PosternError {
  if (error.status === 415) {
    return invalidField('Content-Type', 'must be application/json');
  }
  return invalidField('body', 'is not valid JSON');
}

function answer(c: Context<ApiEnv>, error: PosternError): Response {
  const problems: readonly FieldProblem[] = error.problems;
  const status = OWN_STATUS[error.code] ?? HTTP_STATUS[CATALOGUE[error.code].api];
  if (error.code === 'request.unauthorized') c.header('WWW-Authenticate', 'Bearer');
  // RFC 9110 §15.5.22.
  if (status === 426) c.header('Upgrade', 'websocket');
  // RFC 9110 §15.5.17: the length that there is.
  const { size } = error.params;
  if (error.code === 'request.range') c.header('Content-Range', `bytes */${size}`);
  const plain = isPlain(c.req.path);
  return c.json(plain ? plainFailure(error) : failure(error.code, error.message, problems), status);
}

/** The last stop of every failure: a catalogue entry for the caller, the cause for the log. */
export function errorHandler(deps: ApiDeps) {
  return async (thrown: Error, c: Context<ApiEnv>): Promise<Response> => {
    const error = thrown instanceof HTTPException ? ofFramework(thrown) : thrown;
    if (error instanceof PosternError && error.code !== 'internal') {
      if (error.cause !== undefined) {
        deps.log.warn('request refused', { code: error.code, reason: rootReasonOf(error) });
      }
      return answer(c, error);
    }
    const requestId = c.get('requestId');
    deps.log.error('request failed', {
      requestId,
      method: c.req.method,
      path: printable(c.req.path),
      reason: reasonOf(error),
      stack: error.stack === undefined ? null : printable(error.stack, 2000),
    });
    if (!(await answers(deps))) return answer(c, new PosternError('store.down'));
    if (isPlain(c.req.path)) {
      const params = { detail: `request ${requestId}` };
      return c.json(plainFailure(new PosternError('internal', params)), 500);
    }
    return c.json(failure('internal', sentence('internal'), { request_id: requestId }), 500);
  };
}

async function answers(deps: ApiDeps): Promise<boolean> {
  return deps.store.healthy().catch(() => false);
}
