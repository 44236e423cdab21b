import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import { PosternError } from '../domain/errors.ts';
import { printable } from '../domain/log.ts';
import { RateLimit } from '../domain/rate-limit.ts';
import { authentication } from './auth.ts';
import type { Api, ApiEnv } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { documentRoutes } from './document.ts';
import { errorHandler, invalid } from './errors.ts';
import { sayWhatFieldsMustBe } from './field-words.ts';
import { assertGuarded, demands } from './guard.ts';
import { alertRuleRoutes } from './routes/alert-rules.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { auditRoutes } from './routes/audit.ts';
import { userAuthorityRoutes } from './routes/certificate-authorities.ts';
import { certificateAuthorityRoutes } from './routes/certificate-authority.ts';
import { cloud66SessionRoutes } from './routes/cloud66-sessions.ts';
import { cloud66StackRoutes } from './routes/cloud66-stacks.ts';
import { counterRoutes } from './routes/counters.ts';
import { eventRoutes } from './routes/events.ts';
import { grantRoutes } from './routes/grants.ts';
import { groupRoutes } from './routes/groups.ts';
import { healthRoutes } from './routes/health.ts';
import { keyRoutes } from './routes/keys.ts';
import { knownHostsRoutes } from './routes/known-hosts.ts';
import { liveRoutes } from './routes/live.ts';
import { machineChangeRoutes } from './routes/machine-changes.ts';
import { machineRoutes } from './routes/machines.ts';
import { meRoutes } from './routes/me.ts';
import { metricsRoute } from './routes/metrics.ts';
import { permissionRoutes } from './routes/permissions.ts';
import { recordingSealRoutes } from './routes/recording-seals.ts';
import { recordingRoutes } from './routes/recordings.ts';
import { replayRoutes } from './routes/replay.ts';
import { revocationImportRoute } from './routes/revocation-import.ts';
import { revocationRoutes } from './routes/revocations.ts';
import { searchRoutes } from './routes/search.ts';
import { sessionCommandRoutes } from './routes/session-commands.ts';
import { sessionFileRoutes } from './routes/session-files.ts';
import { sessionLogRoutes } from './routes/session-logs.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { setupRoutes } from './routes/setup.ts';
import { stackRoutes } from './routes/stacks.ts';
import { statsRoutes } from './routes/stats.ts';
import { terminalRoutes } from './routes/terminals.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { totpRoutes } from './routes/totp.ts';
import { transferRoutes } from './routes/transfers.ts';
import { userRoutes } from './routes/users.ts';

const BODY_LIMIT = 1024 * 1024;
/** Of the API, beside /v1. */
const ROOT_PATHS = ['/api/3/*', '/healthz', '/readyz', '/metrics', '/docs'] as const;
const NO_CONTENT = "default-src 'none'; frame-ancestors 'none'";

/** Whether a path is of a route's pattern: `/v1/users/:id`. */
function isOf(pattern: string, path: string): boolean {
  const [parts, here] = [pattern.split('/'), path.split('/')];
  return (
    parts.length === here.length &&
    parts.every((part, at) => part.startsWith(':') || part === here[at])
  );
}

/** Which methods the API has on a path; none: the path is unknown. A literal path goes first. */
function methodsOn(api: Api, path: string): readonly string[] {
  const routes = [...demands(api).keys()].map((route) => route.split(' '));
  const literal = routes.filter(([, pattern]) => pattern === path);
  const found = literal.length > 0 ? literal : routes.filter(([, p = '']) => isOf(p, path));
  return [...new Set(found.map(([method = '']) => method))];
}

/** What every answer carries. Set last, as some routes answer with a Response of their own. */
const ownHeaders: MiddlewareHandler<ApiEnv> = async (c, next) => {
  c.set('requestId', crypto.randomUUID());
  c.set('caller', null);
  c.set('allowance', null);
  await next();
  const { headers } = c.res;
  headers.set('X-Request-Id', c.get('requestId'));
  if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store');
  if (!headers.has('Content-Security-Policy')) headers.set('Content-Security-Policy', NO_CONTENT);
  const allowance = c.get('allowance');
  if (allowance === null) return;
  headers.set('X-RateLimit-Limit', String(allowance.limit));
  headers.set('X-RateLimit-Remaining', String(allowance.remaining));
  headers.set('X-RateLimit-Reset', String(allowance.resetSeconds));
};

/** What a request changed may be what a live session rests on. */
function tellsOfChanges(deps: ApiDeps): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    await next();
    if (!['GET', 'HEAD', 'OPTIONS'].includes(c.req.method) && c.res.ok) deps.changes.publish();
  };
}

/** Before everything on the API's own paths; what else is mounted beside it sees none of it. */
function middleware(api: Api, deps: ApiDeps): void {
  const limit = new RateLimit(deps.requestsPerMinute, 60_000);
  const own: readonly MiddlewareHandler<ApiEnv>[] = [
    ownHeaders,
    secureHeaders({
      crossOriginResourcePolicy: 'same-origin',
      xFrameOptions: 'DENY',
      referrerPolicy: 'no-referrer',
      strictTransportSecurity: false,
    }),
    authentication(deps, limit),
    bodyLimit({
      maxSize: BODY_LIMIT,
      onError: () => {
        throw new PosternError('request.too_large', { limit: BODY_LIMIT });
      },
    }),
    tellsOfChanges(deps),
  ];
  for (const path of ['/v1/*', ...ROOT_PATHS]) api.use(path, ...own);
}

function routes(api: Api, deps: ApiDeps): void {
  statsRoutes(api, deps);
  counterRoutes(api, deps);
  sessionRoutes(api, deps);
  transferRoutes(api, deps);
  sessionFileRoutes(api, deps);
  sessionLogRoutes(api, deps);
  sessionCommandRoutes(api, deps);
  searchRoutes(api, deps);
  alertRuleRoutes(api, deps);
  liveRoutes(api, deps);
  replayRoutes(api, deps);
  terminalRoutes(api, deps);
  eventRoutes(api, deps);
  recordingSealRoutes(api, deps);
  recordingRoutes(api, deps);
  machineRoutes(api, deps);
  knownHostsRoutes(api, deps);
  machineChangeRoutes(api, deps);
  userRoutes(api, deps);
  permissionRoutes(api, deps);
  totpRoutes(api, deps);
  keyRoutes(api, deps);
  groupRoutes(api, deps);
  grantRoutes(api, deps);
  approvalRoutes(api, deps);
  userAuthorityRoutes(api, deps);
  revocationRoutes(api, deps);
  revocationImportRoute(api, deps);
  tokenRoutes(api, deps);
  auditRoutes(api, deps);
  meRoutes(api);
  setupRoutes(api, deps);
  stackRoutes(api, deps);
  cloud66StackRoutes(api, deps);
  cloud66SessionRoutes(api, deps);
  certificateAuthorityRoutes(api, deps);
  healthRoutes(api, deps);
  metricsRoute(api, deps);
  documentRoutes(api, deps);
}

/** Unknown paths, and methods that a path does not have. */
function refuseUnknown(api: Api, c: Context<ApiEnv>): never {
  const methods = methodsOn(api, c.req.path);
  if (methods.length === 0) throw new PosternError('request.not_found');
  c.header('Allow', methods.join(', '));
  throw new PosternError('request.method', {
    method: printable(c.req.method, 20),
    path: printable(c.req.path),
  });
}

/**
 * The HTTP API of spec/api.md. `env` of its `fetch` is what @hono/node-server passes. The console may
 * be mounted beside it. Throws when a route has no declared demand.
 */
export function createApi(deps: ApiDeps): Api {
  sayWhatFieldsMustBe();
  const api: Api = new OpenAPIHono<ApiEnv>({ defaultHook: invalid });
  middleware(api, deps);
  routes(api, deps);
  assertGuarded(api);
  for (const path of ['/v1', '/v1/*', ...ROOT_PATHS]) {
    api.all(path, (c) => refuseUnknown(api, c));
  }
  api.onError(errorHandler(deps));
  api.notFound((c) => refuseUnknown(api, c));
  return api;
}
