import type { RouteConfig, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { PosternError } from '../domain/errors.ts';
import { holdsScope, type Scope } from '../domain/role.ts';
import type { Api, ApiEnv } from './context.ts';
import { failureSchema, json } from './envelope.ts';
import { unknownField } from './problems.ts';

/** What a route demands: a scope, any valid token, or nothing. */
export type Access = Scope | 'signed-in' | 'public';

const ACCESS = 'x-postern-access';

function guard(access: Access): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (access !== 'public') {
      const caller = c.get('caller');
      if (caller === null) throw new PosternError('request.unauthorized');
      if (access !== 'signed-in' && !holdsScope(caller.scopes, access)) {
        throw new PosternError('request.forbidden', { scope: access });
      }
    }
    await next();
  };
}

/** Throws for a query where the route reads none: a misspelt filter must not be thought to filter. */
const refuseQuery: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const problems = Object.keys(c.req.query()).map((name) => unknownField([], name));
  if (problems.length > 0) throw new PosternError('request.invalid', {}, { problems });
  await next();
};

/** What demands nothing may be asked for by programs that add things of their own. */
function guards(access: Access, readsQuery: boolean): MiddlewareHandler<ApiEnv>[] {
  return access === 'public' || readsQuery ? [guard(access)] : [guard(access), refuseQuery];
}

function refusals<F extends z.ZodType>(failure: F) {
  return {
    401: json(failure, 'No token, or one that is not valid'),
    403: json(failure, 'The token lacks the scope'),
  } as const;
}

/** What a route says of a failure in words alone has the body of all failures. */
function withFailure([status, response]: [string, RouteConfig['responses'][string]]) {
  const isPlain = Number(status) >= 400 && !('$ref' in response) && response.content === undefined;
  return [status, isPlain ? json(failureSchema, response.description ?? '') : response] as const;
}

/**
 * A route with its demand, which is checked before anything of the request is read. The one way to
 * define a route: `assertGuarded` refuses an API with a route that was defined otherwise. `failure` is
 * the form that its failures have.
 */
export function guarded<
  P extends string,
  R extends Omit<RouteConfig, 'path' | 'middleware' | 'security'> & { readonly path: P },
>(access: Access, route: R, failure: z.ZodType = failureSchema): R {
  return {
    ...route,
    [ACCESS]: access,
    middleware: guards(access, route.request?.query !== undefined),
    security: access === 'public' ? [] : [{ bearer: [] }],
    responses: {
      ...Object.fromEntries(Object.entries(route.responses).map(withFailure)),
      ...(access === 'public' ? {} : refusals(failure)),
      default: json(failure, 'Any other failure'),
    },
  };
}

/** `/v1/users/{id}` and `/v1/users/:id` are the same route. */
function shape(method: string, path: string): string {
  return `${method.toUpperCase()} ${path.replaceAll(/\{(.+?)\}/g, ':$1')}`;
}

/** The routes of the API with what each demands. */
export function demands(api: Api): ReadonlyMap<string, Access> {
  const found = new Map<string, Access>();
  for (const definition of api.openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue;
    const { method, path } = definition.route;
    const access: unknown = definition.route[ACCESS];
    if (typeof access === 'string') found.set(shape(method, path), access as Access);
  }
  return found;
}

/** Throws when a route has no declared demand (deny by default); called once at start. */
export function assertGuarded(api: Api): void {
  const known = demands(api);
  const open = api.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => shape(method, path))
    .filter((route) => !known.has(route));
  if (open.length > 0) throw new Error(`routes without a declared scope: ${open.join(', ')}`);
}
