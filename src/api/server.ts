import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import { PosternError } from '../domain/errors.ts';
import { printable } from '../domain/log.ts';
import { RateLimit } from '../domain/rate-limit.ts';
import { authentication } from './auth.ts';
import type { Api, ApiEnv } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { errorHandler, invalid } from './errors.ts';
import { assertGuarded, demands } from './guard.ts';
import { sessionRoutes } from './routes/sessions.ts';

const BODY_LIMIT = 1024 * 1024;
const REQUESTS_PER_MINUTE = 600;

/** Which methods the API has on a path; none: the path is unknown. */
function methodsOn(api: Api, path: string): readonly string[] {
  const here = path.split('/');
  return [...demands(api).keys()]
    .map((route) => route.split(' '))
    .filter(([, pattern = '']) => {
      const parts = pattern.split('/');
      return (
        parts.length === here.length &&
        parts.every((part, at) => part.startsWith(':') || part === here[at])
      );
    })
    .map(([method = '']) => method);
}

function middleware(api: Api, deps: ApiDeps): void {
  const limit = new RateLimit(deps.requestsPerMinute ?? REQUESTS_PER_MINUTE, 60_000);
  api.use(async (c, next) => {
    c.set('requestId', crypto.randomUUID());
    c.header('X-Request-Id', c.get('requestId'));
    c.header('Cache-Control', 'no-store');
    await next();
  });
  api.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      crossOriginResourcePolicy: 'same-origin',
      xFrameOptions: 'DENY',
      referrerPolicy: 'no-referrer',
      strictTransportSecurity: false,
    }),
  );
  api.use(authentication(deps, limit));
  api.use(
    bodyLimit({
      maxSize: BODY_LIMIT,
      onError: () => {
        throw new PosternError('request.too_large', { limit: BODY_LIMIT });
      },
    }),
  );
}

/**
 * The HTTP API of spec/api.md. `env` is what @hono/node-server passes. Throws when a route has no
 * declared scope.
 */
export function createApi(deps: ApiDeps): Api {
  const api: Api = new OpenAPIHono<ApiEnv>({ defaultHook: invalid });
  middleware(api, deps);
  sessionRoutes(api, deps);
  assertGuarded(api);
  api.onError(errorHandler(deps));
  api.notFound((c) => {
    const methods = methodsOn(api, c.req.path);
    if (methods.length === 0) throw new PosternError('request.not_found');
    c.header('Allow', methods.join(', '));
    throw new PosternError('request.method', {
      method: printable(c.req.method, 20),
      path: printable(c.req.path),
    });
  });
  return api;
}
